"""Request bodies and parameters: read once, refused with a reason."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from starlette.requests import Request

from servicekit.problems import Problem


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


async def read_json(request: Request) -> Any:
    """The request's JSON body. Raises Problem 415 for another content type, 400 for what is not JSON."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Problem(415, "send the body as application/json")
    try:
        return json.loads(await request.body(), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise Problem(400, "the body is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise Problem(400, f"the body is not JSON: {error.msg} at line {error.lineno}") from error
    except (ValueError, RecursionError) as error:
        raise Problem(400, "the body is JSON that cannot be used: too deep, or a number out of range") from error


def number_parameter(request: Request, name: str, default: float, *, minimum: float, maximum: float) -> float:
    """The query parameter `name` as a number within limits; raises Problem 400 when it is neither."""
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not minimum <= value <= maximum:
        raise Problem(400, f"parameter {name} must be a number from {minimum:g} to {maximum:g}")
    return value
