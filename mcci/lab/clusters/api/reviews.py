"""Questions that the server answers and does not keep: who am I, what may I do, a token for a service account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.access.rbac import Action, allowed, refusal, rules_for
from mcci.lab.clusters.access.users import Bond, User, service_account
from mcci.lab.clusters.resources import PODS, SECRETS, SERVICE_ACCOUNTS
from mcci.lab.clusters.status import ApiError, conflict, not_found
from mcci.lab.clusters.store import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.lab.clusters.access.users import Tokens
    from mcci.lab.clusters.store import Store

Object = dict[str, Any]
_BINDABLE = {"Secret": SECRETS, "Pod": PODS}
SHORTEST, LONGEST, USUAL = 600, 2**32, 3600  # seconds that a requested token may live


def answer(store: Store, user: User, kind: str, body: Object) -> Object:
    """Return the review with its status."""
    return {"metadata": {}, **body, "status": REVIEWS[kind](store, user, body.get("spec") or {})}


def token_request(store: Store, tokens: Tokens, namespace: str, name: str, body: Object) -> Object:
    """Return a TokenRequest with its token. Raises ApiError 404, 409, 422."""
    account = store.get(SERVICE_ACCOUNTS, name, namespace)
    if account is None:
        raise not_found("serviceaccounts", "", name)
    spec = body.get("spec") or {}
    bonds = [Bond(plural="serviceaccounts", namespace=namespace, name=name, uid=account["metadata"]["uid"])]
    if spec.get("boundObjectRef"):
        bonds.append(_bond(store, namespace, spec["boundObjectRef"]))
    seconds = spec.get("expirationSeconds") or USUAL
    if not SHORTEST <= seconds <= LONGEST:
        text = f"spec.expirationSeconds: Invalid value: {seconds}: may not specify a duration less than 10 minutes"
        raise ApiError(422, "Invalid", text)
    token = tokens.issue(service_account(namespace, name), seconds=seconds, bonds=bonds)
    until = timestamp(datetime.now(UTC) + timedelta(seconds=seconds))
    head = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": timestamp(datetime.now(UTC))}
    spec = {"audiences": ["https://kubernetes.default.svc"], **spec, "expirationSeconds": seconds}
    return {**head, "metadata": metadata, "spec": spec, "status": {"token": token, "expirationTimestamp": until}}


def holds(store: Store, bond: Bond) -> bool:
    """Whether what a token is bound to is there, and is the same as when the token was made."""
    resource = next((each for each in _BINDABLE.values() if each.plural == bond.plural), SERVICE_ACCOUNTS)
    found = store.get(resource, bond.name, bond.namespace)
    return found is not None and found["metadata"]["uid"] == bond.uid


def _bond(store: Store, namespace: str, reference: Object) -> Bond:
    """Return the object that a token is to live with. Raises ApiError."""
    kind, name = str(reference.get("kind") or ""), str(reference.get("name") or "")
    if kind not in _BINDABLE:
        raise ApiError(422, "Invalid", f"spec.boundObjectRef.kind: Unsupported value: {kind!r}")
    resource = _BINDABLE[kind]
    found = store.get(resource, name, namespace)
    if found is None:
        raise not_found(resource.plural, "", name)
    uid = str(found["metadata"]["uid"])
    if reference.get("uid") not in (None, "", uid):
        raise conflict(resource.plural, "", name, "the UID in the bound object reference does not match")
    return Bond(plural=resource.plural, namespace=namespace, name=name, uid=uid)


def _access(store: Store, user: User, spec: Object) -> Object:
    action = _action(spec)
    if allowed(store, user, action):
        return {"allowed": True, "reason": "RBAC: allowed"}
    return {"allowed": False, "reason": refusal(user, action)}


def _other_access(store: Store, _: User, spec: Object) -> Object:
    asked = User(name=spec.get("user") or "", groups=tuple(spec.get("groups") or ()))
    return _access(store, asked, spec)


def _rules(store: Store, user: User, spec: Object) -> Object:
    rules = list(rules_for(store, user, spec.get("namespace") or ""))
    return {
        "resourceRules": [rule for rule in rules if "resources" in rule],
        "nonResourceRules": [rule for rule in rules if "nonResourceURLs" in rule],
        "incomplete": False,
    }


def _self(_: Store, user: User, __: Object) -> Object:
    return {"userInfo": {"username": user.name, "groups": list(user.all_groups)}}


def _action(spec: Object) -> Action:
    if attributes := spec.get("nonResourceAttributes"):
        return Action(verb=attributes.get("verb") or "", path=attributes.get("path") or "")
    attributes = spec.get("resourceAttributes") or {}
    names = ("verb", "group", "resource", "subresource", "namespace", "name")
    return Action(**{name: attributes.get(name) or "" for name in names})


REVIEWS: dict[str, Callable[[Store, User, Object], Object]] = {
    "SelfSubjectAccessReview": _access,
    "SelfSubjectRulesReview": _rules,
    "SubjectAccessReview": _other_access,
    "LocalSubjectAccessReview": _other_access,
    "SelfSubjectReview": _self,
}
