"""Who may see the page: whoever has opened the link, once.

The link works one time; what it gives is a cookie that scripts cannot read and that other sites' requests do not
carry. Cookies do not tell ports apart, so its name has the port; and what changes something must also carry a header
that no other origin can send, and come from the page's own.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

HEADER = "x-mcci-page"


class Door:
    """The page's one link, and the sessions that it has opened."""

    def __init__(self) -> None:
        self._link = secrets.token_urlsafe(24)
        self._sessions: set[str] = set()

    def link(self, url: str) -> str:
        """Return the address that signs in, once."""
        return f"{url}/-/sign-in?token={self._link}"

    def sign_in(self, request: Request, response: Response) -> bool:
        """Open a session where the request has the link's token, which is then used up."""
        given = request.query_params.get("token", "")
        if not self._link or not hmac.compare_digest(given.encode(), self._link.encode()):
            return False
        self._link = ""
        session = secrets.token_urlsafe(32)
        self._sessions.add(session)
        response.set_cookie(_name(request), session, httponly=True, samesite="strict", path="/")
        return True

    def is_open(self, request: Request) -> bool:
        """Whether the request is from a session."""
        given = request.cookies.get(_name(request), "").encode()
        return any(hmac.compare_digest(given, each.encode()) for each in self._sessions)

    def may_change(self, request: Request) -> bool:
        """Whether the request is from a session, and from the page itself."""
        origin = request.headers.get("origin")
        own = f"{request.url.scheme}://{request.headers.get('host', '')}"
        return self.is_open(request) and HEADER in request.headers and origin in (None, own)


def _name(request: Request) -> str:
    return f"mcci-rehearsal-{request.url.port or 80}"
