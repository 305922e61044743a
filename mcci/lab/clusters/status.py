"""What an API server answers when it refuses: one exception, which knows its `Status` body."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


class ApiError(Exception):
    """A refusal, as a `Status` of the API: HTTP code, machine-readable reason, message, details."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}

    @property
    def body(self) -> Object:
        """The `Status` object."""
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }
        return {key: value for key, value in status.items() if value != {} or key == "metadata"}


def success(details: Object | None = None) -> Object:
    """Return the `Status` of something that worked and has no object to show."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details or {}}


def not_found(plural: str, group: str, name: str) -> ApiError:
    """There is no such object."""
    return ApiError(404, "NotFound", f'{_qualified(plural, group)} "{name}" not found', _details(plural, group, name))


def exists(plural: str, group: str, name: str) -> ApiError:
    """An object of that name is there already."""
    text = f'{_qualified(plural, group)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", text, _details(plural, group, name))


def conflict(plural: str, group: str, name: str, why: str) -> ApiError:
    """The object changed since the caller read it."""
    text = f'Operation cannot be fulfilled on {_qualified(plural, group)} "{name}": {why}'
    return ApiError(409, "Conflict", text, _details(plural, group, name))


def gone(since: int, oldest: int) -> ApiError:
    """A watch asks for events that are no longer kept."""
    return ApiError(410, "Expired", f"too old resource version: {since} ({oldest})")


def forbidden(plural: str, group: str, name: str, why: str) -> ApiError:
    """Admission, or the caller's rights, forbid it."""
    return ApiError(403, "Forbidden", f'{_qualified(plural, group)} "{name}" is forbidden: {why}')


def bad_request(message: str) -> ApiError:
    """The request makes no sense."""
    return ApiError(400, "BadRequest", message)


def invalid(kind: str, group: str, name: str, causes: list[Object]) -> ApiError:
    """The object breaks its kind's rules; each cause is `{reason, message, field}`."""
    told = [f"{cause['field']}: {cause['message']}" for cause in causes]
    text = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    details = {**_details(kind, group, name), "causes": causes}
    return ApiError(422, "Invalid", f'{_qualified(kind, group)} "{name}" is invalid: {text}', details)


def _qualified(plural: str, group: str) -> str:
    return f"{plural}.{group}" if group else plural


def _details(plural: str, group: str, name: str) -> Object:
    return {"name": name, "group": group, "kind": plural} if group else {"name": name, "kind": plural}
