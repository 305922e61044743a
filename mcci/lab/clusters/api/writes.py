"""What a write asks beside its body, and what the answer says beside the object."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.status import ApiError, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Object = dict[str, Any]
VALIDATIONS = ("Strict", "Warn", "Ignore")


@dataclass(slots=True, kw_only=True)
class Options:
    """The query of a write; `warnings` is what its answer's headers will say."""

    dry_run: bool = False
    manager: str = "unknown"
    named: bool = False  # whether the client said so itself
    validation: str = "Warn"
    force: bool = False
    warnings: list[str] = field(default_factory=list)


def unsupported(field: str, value: str, known: Sequence[str]) -> ApiError:
    """An option has a value that the API does not know."""
    message = f'Unsupported value: "{value}": supported values: {", ".join(map(json.dumps, known))}'
    cause = {"reason": "FieldValueNotSupported", "message": message, "field": field}
    return ApiError(422, "Invalid", f"{field}: {message}", {"causes": [cause]})


def options_of(query: Mapping[str, str], user_agent: str) -> Options:
    """Read a write's query. Raises ApiError 400, 422 for values that the API does not know."""
    if query.get("dryRun") not in (None, "", "All"):
        raise unsupported("dryRun", query["dryRun"], ("All",))
    validation = query.get("fieldValidation") or "Warn"
    if validation not in VALIDATIONS:
        raise bad_request(f"fieldValidation is {validation!r}: give one of {', '.join(VALIDATIONS)}")
    return Options(
        dry_run=query.get("dryRun") == "All",
        manager=query.get("fieldManager") or user_agent.partition("/")[0] or "unknown",
        named=bool(query.get("fieldManager")),
        validation=validation,
        force=query.get("force") in ("true", "1"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An object or Status to send, with its HTTP code."""

    body: Object
    code: int = 200
    warnings: tuple[str, ...] = ()
