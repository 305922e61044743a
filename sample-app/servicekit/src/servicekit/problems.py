"""Errors as answers: every refusal is a problem document (RFC 9457), and none carries a traceback."""

from __future__ import annotations

import http
import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from servicekit.context import request_id


class Problem(HTTPException):
    """Raised by a handler to answer `status` with a sentence for the caller; `fields` are added to the document."""

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None, **fields: Any) -> None:
        super().__init__(status, detail, headers)
        self.fields = fields


def problem_response(
    status: int, detail: str | None = None, headers: dict[str, str] | None = None, **fields: Any
) -> Response:
    """A problem document: title, status, the request's id and, where given, a sentence of detail."""
    title = http.HTTPStatus(status).phrase
    body: dict[str, Any] = {"title": title, "status": status, **fields}
    if detail and detail != title:
        body["detail"] = detail
    if identifier := request_id():
        body["request_id"] = identifier
    content = json.dumps(body).encode()
    sent = {"cache-control": "no-store", **(headers or {})}
    return Response(content, status, media_type="application/problem+json", headers=sent)


async def on_http_exception(_: Request, error: Exception) -> Response:
    """Starlette's handler for refusals, its own (404, 405) and ours."""
    assert isinstance(error, HTTPException)
    fields = error.fields if isinstance(error, Problem) else {}
    headers = dict(error.headers) if error.headers else None
    return problem_response(error.status_code, error.detail, headers, **fields)
