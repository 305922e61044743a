"""Who a request is from: bearer tokens, of users that the lab was started with and of service accounts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bond:
    """An object that a token lives with: when it is gone, or another has its name, the token is worth nothing."""

    plural: str
    namespace: str
    name: str
    uid: str


ADMIN = User(name="kubernetes-admin", groups=(SYSTEM,))


def service_account(namespace: str, name: str) -> User:
    """Return the user that a service account is."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return User(name=f"system:serviceaccount:{namespace}:{name}", groups=groups)


class Tokens:
    """The good tokens of one cluster: signed with its key, so that they stay good when it is started again."""

    def __init__(self, key: bytes, *, clock: Callable[[], float] = time.time) -> None:
        """Sign with this key (at least 32 bytes); the clock gives seconds since 1970."""
        self._key = key
        self._clock = clock
        self._revoked: set[str] = set()

    def issue(self, user: User, *, seconds: float | None = None, bonds: Sequence[Bond] = ()) -> str:
        """Return a token that is the user's, for so many seconds or for ever, as long as its bonds hold."""
        until = None if seconds is None else self._clock() + seconds
        bound = [[each.plural, each.namespace, each.name, each.uid] for each in bonds]
        text = json.dumps([user.name, user.groups, until, *([bound] if bound else [])], separators=(",", ":"))
        body = base64.urlsafe_b64encode(text.encode()).decode()
        return f"{body}.{self._sign(body)}"

    def revoke(self, token: str) -> None:
        """Make a token worth nothing, until the cluster is started again."""
        self._revoked.add(token)

    def user(self, authorization: str, holds: Callable[[Bond], bool] = lambda _: True) -> User | None:
        """Return who an `Authorization` header is from; None for none, a forged, a revoked or an expired token.

        `holds` says whether an object that a token is bound to is still there.
        """
        scheme, _, token = authorization.partition(" ")
        body, _, signature = token.strip().partition(".")
        if scheme.lower() != "bearer" or not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            return None
        name, groups, until, *rest = json.loads(base64.urlsafe_b64decode(body))
        bonds = (Bond(plural=each[0], namespace=each[1], name=each[2], uid=each[3]) for each in (rest or [[]])[0])
        if token.strip() in self._revoked or (until is not None and until <= self._clock()):
            return None
        if not all(holds(each) for each in bonds):
            return None
        return User(name=name, groups=tuple(groups))

    def _sign(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()
