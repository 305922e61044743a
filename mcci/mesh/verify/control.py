"""Checks of the control planes: ready, of versions that go together, certificates, the way to the others; pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mcci.errors import UsageError
from mcci.mesh import authority, links, perform, remote_secrets, versions
from mcci.mesh.place import version_of
from mcci.mesh.verify.model import Result, Status, View

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcci.mesh.plan import Plan

SOON = timedelta(days=30)  # a certificate that ends sooner is told of
INSTALL, JOIN = "Run `mcci mesh install`.", "Run `mcci mesh join`."


def control_plane(view: View) -> Iterator[Result]:
    """A primary's control planes are ready; a remote cluster has none."""
    name, found = view.member.name, view.found.control_planes
    if not view.member.is_primary:
        if found:
            yield _bad(name, "control plane", "it has one, and should use that of another", "Uninstall `istiod` there.")
        return
    if not found:
        yield _bad(name, "control plane", "there is none", INSTALL)
    for each in found:
        problem = perform.unready(each)
        words = f"{each['metadata']['name']} {version_of(each) or 'of an unknown version'}"
        if problem:
            yield _bad(name, "control plane", f"{words}: {problem}")
        else:
            yield _good(name, "control plane", f"{words}, ready")


def skew(views: Sequence[View]) -> Iterator[Result]:
    """The control planes are at most one minor version apart."""
    control = {each.member.name: each.found.istio for each in views if each.member.is_primary}
    known = {name: each for name, each in control.items() if each}
    problem = versions.skew(known)
    if problem:
        yield _bad("all", "versions", problem, "Upgrade the older by one minor version at a time.")
    elif len(known) > 1:
        yield _good("all", "versions", ", ".join(f"{name} {each}" for name, each in known.items()))


def certificates(views: Sequence[View], now: datetime) -> Iterator[Result]:
    """Each control plane signs with a certificate that holds, and all are of one root."""
    roots = set()
    for view in views:
        name = view.member.name
        if not view.member.is_primary:
            continue
        if view.found.cacerts is None:
            yield _bad(name, "certificate", "there is no Secret cacerts: its root is its own", INSTALL)
            continue
        try:
            issued = authority.read(view.found.cacerts, name)
        except UsageError as error:
            yield _bad(name, "certificate", str(error))
            continue
        roots.add(authority.pem(issued.root))
        problems = authority.problems(issued, now)
        until = f"valid until {issued.ends:%Y-%m-%d}"
        if problems:
            yield _bad(name, "certificate", "; ".join(problems), f"Run `mcci mesh install --renew {name}`.")
        elif issued.ends - now < SOON:
            yield _warn(name, "certificate", until, f"Run `mcci mesh install --renew {name}`.")
        else:
            yield _good(name, "certificate", until)
    if len(roots) > 1:
        yield _bad("all", "certificate", f"there are {len(roots)} roots: services do not trust each other across them")


def secrets(view: View, plan: Plan, now: datetime) -> Iterator[Result]:
    """A control plane has a remote secret for each cluster that it watches, with a token that is good for a while."""
    name = view.member.name
    have = {each["metadata"]["name"]: each for each in view.found.remote_secrets}
    for other in plan.watched_by(view.member):
        check = f"remote secret of {other.name}"
        found = have.pop(f"{remote_secrets.PREFIX}{other.name}", None)
        if found is None:
            yield _bad(name, check, "there is none: its services are not seen", JOIN)
            continue
        try:
            remote = remote_secrets.read(found)
        except UsageError as error:
            yield _bad(name, check, str(error), JOIN)
            continue
        yield _token(name, check, remote, view.tried.get(other.name), now)
    for left in have:
        yield _warn(name, "remote secrets", f"{left} is of no cluster of this mesh", JOIN)


def injector(view: View) -> Iterator[Result]:
    """In a remote cluster the control plane has taken the injector over: it wrote its CA into the webhook."""
    if view.member.is_primary:
        return
    name = view.member.name
    if not view.webhooks:
        why = "the webhooks may not be read" if view.webhooks is None else "there is no injector's webhook"
        yield Result(cluster=name, check="injector", status=Status.UNCHECKED, found=why)
        return
    empty = [
        each["metadata"]["name"]
        for each in view.webhooks
        if not all((hook.get("clientConfig") or {}).get("caBundle") for hook in each.get("webhooks") or [])
    ]
    if empty:
        yield _bad(name, "injector", f"the control plane has not taken over {', '.join(empty)}", JOIN)
    else:
        yield _good(name, "injector", "the control plane has taken it over")


def _token(name: str, check: str, remote: remote_secrets.Remote, tried: str | None, now: datetime) -> Result:
    if remote.expires and now > remote.expires:
        return _bad(name, check, f"its token ended on {remote.expires:%Y-%m-%d %H:%M} UTC", JOIN)
    if tried:
        return _bad(name, check, tried, f"{JOIN[:-2]} --rotate`.")
    if remote.expires is None:
        return _warn(name, check, "its token has no end", f"{JOIN[:-2]} --rotate`.")
    until = f"{remote.server}, token until {remote.expires:%Y-%m-%d %H:%M} UTC"
    if remote.is_due(now, links.LEAST):
        return _warn(name, check, until, JOIN)
    if tried is None:
        return Result(cluster=name, check=check, status=Status.UNCHECKED, found=f"{until}; it was not tried")
    return _good(name, check, f"{until}, taken by the cluster")


def _good(cluster: str, check: str, found: str) -> Result:
    return Result(cluster=cluster, check=check, status=Status.OK, found=found)


def _warn(cluster: str, check: str, found: str, advice: str = "") -> Result:
    return Result(cluster=cluster, check=check, status=Status.WARNING, found=found, advice=advice)


def _bad(cluster: str, check: str, found: str, advice: str = "") -> Result:
    return Result(cluster=cluster, check=check, status=Status.FAILED, found=found, advice=advice)
