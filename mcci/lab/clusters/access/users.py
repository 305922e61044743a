"""Who a request is from: bearer tokens, of users that the lab was started with and of service accounts."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SYSTEM = "system:masters"
AUTHENTICATED = "system:authenticated"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody the server knows, as RBAC's bindings name them."""

    name: str
    groups: tuple[str, ...] = ()

    @property
    def all_groups(self) -> tuple[str, ...]:
        """With the group that everybody with a good token is in."""
        return (*self.groups, AUTHENTICATED)


ADMIN = User(name="kubernetes-admin", groups=(SYSTEM,))


def service_account(namespace: str, name: str) -> User:
    """Return the user that a service account is."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return User(name=f"system:serviceaccount:{namespace}:{name}", groups=groups)


@dataclass(slots=True)
class Tokens:
    """The good tokens of one cluster; opaque, so that nothing but the server can tell whose they are."""

    clock: Callable[[], float] = time.time
    _users: dict[str, tuple[User, float]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, user: User, *, seconds: float = float("inf"), token: str = "") -> str:
        """Return a token that is the user's for so many seconds."""
        token = token or secrets.token_urlsafe(32)
        with self._lock:
            self._users[token] = user, self.clock() + seconds
        return token

    def revoke(self, token: str) -> None:
        """Make a token worth nothing."""
        with self._lock:
            self._users.pop(token, None)

    def user(self, authorization: str) -> User | None:
        """Return who an `Authorization` header is from; None for none, an unknown or an expired token."""
        scheme, _, token = authorization.partition(" ")
        with self._lock:
            user, until = self._users.get(token.strip(), (None, 0.0))
        return user if scheme.lower() == "bearer" and until > self.clock() else None
