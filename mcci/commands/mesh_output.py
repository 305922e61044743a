"""How `mcci mesh …` tells what it did, or would do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcci import output
from mcci.mesh import remote_secrets
from mcci.mesh.verify.model import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.mesh.install import Installed, Session
    from mcci.mesh.join import Joined
    from mcci.mesh.perform import Step
    from mcci.mesh.plan import Plan
    from mcci.mesh.verify.model import Result


def planned(what: str, session: Session, shown: Mapping[str, Sequence[Mapping[str, Any]]], format_: str) -> None:
    """Show what would be applied, cluster by cluster."""
    if format_ == "json":
        output.json_document(f"mesh-{what}", 1, {"dry_run": True, **_mesh(session), "clusters": dict(shown)})
        return
    import yaml

    for cluster, documents in shown.items():
        output.heading(f"# {cluster}")
        output.text(yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True).rstrip("\n") or "# nothing")


def installed(session: Session, done: Installed, format_: str) -> None:
    """Show what was installed, and until when each control plane's certificate is valid."""
    if format_ == "json":
        ends = {name: remote_secrets.stamp(each.ends) for name, each in done.issued.items()}
        output.json_document(
            "mesh-install", 1, {"dry_run": False, **_mesh(session), "steps": _steps(done.steps), "certificates": ends}
        )
        return
    _table(done.steps)
    for name, each in done.issued.items():
        output.text(f"{name}: its certificate ends on {each.ends:%Y-%m-%d} ({days(each.ends)})")
    _sum(session, done.steps)


def joined(session: Session, done: Joined, format_: str) -> None:
    """Show which secrets were written, and when their tokens end."""
    if format_ == "json":
        tokens = [
            {"control_plane": watcher, "cluster": watched, "expires": remote_secrets.stamp(ends) if ends else None}
            for (watcher, watched), ends in done.expires.items()
        ]
        output.json_document(
            "mesh-join", 1, {"dry_run": False, **_mesh(session), "steps": _steps(done.steps), "tokens": tokens}
        )
        return
    _table(done.steps)
    for (watcher, watched), ends in done.expires.items():
        when = f"ends on {ends:%Y-%m-%d %H:%M} UTC ({days(ends)})" if ends else "does not say when it ends"
        output.text(f"{watcher}: its token for {watched} {when}")
    _sum(session, done.steps)


def days(ends: datetime) -> str:
    """Return how long is left, in words."""
    left = (ends - datetime.now(UTC)).total_seconds()
    return f"{left / 86400:.0f} days" if left >= 2 * 86400 else f"{max(0.0, left) / 3600:.0f} hours"


def _mesh(session: Session) -> dict[str, Any]:
    plan = session.plan
    members = [{"cluster": each.name, "role": each.role.value, "network": each.network} for each in plan.members]
    return {"mesh": plan.id, "environment": plan.environment, "members": members}


def _steps(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [{"cluster": each.cluster, "what": each.what, "changed": each.changed} for each in steps]


def _table(steps: Sequence[Step]) -> None:
    for each in steps:
        state = output.good("changed") if each.changed else output.dim("as it is")
        output.text(f"{state:<8}  {each.cluster:<16} {each.what}")


def _sum(session: Session, steps: Sequence[Step]) -> None:
    changed = sum(each.changed for each in steps)
    primaries = ", ".join(each.name for each in session.plan.primaries)
    remotes = ", ".join(each.name for each in session.plan.remotes)
    words = f"control plane in {primaries}" + (f", used by {remotes}" if remotes else "")
    output.text(f"mesh {session.plan.id}: {words}; {changed or 'nothing'} changed")


def verified(plan: Plan, found: Sequence[Result], format_: str) -> None:
    """Show every check."""
    failed = sum(each.status is Status.FAILED for each in found)
    if format_ == "json":
        checks = [
            {
                "cluster": each.cluster, "check": each.check, "status": each.status.value, "found": each.found,
                "advice": each.advice,
            }
            for each in found
        ]  # fmt: skip
        output.json_document("mesh-verify", 1, {"mesh": plan.id, "good": not failed, "checks": checks})
        return
    paint = {
        Status.OK: output.good,
        Status.WARNING: output.notable,
        Status.FAILED: output.bad,
        Status.UNCHECKED: output.dim,
    }
    for name in ("all", *(each.name for each in plan.members)):
        mine = [each for each in found if each.cluster == name]
        if mine:
            output.heading("the mesh" if name == "all" else name)
        for each in mine:
            output.text(f"  {paint[each.status](f'{each.status.value:9}')} {each.check:26} {each.found}")
            if each.advice:
                output.text(f"  {'':9} {'':26} → {each.advice}")
    open_ = sum(each.status is Status.UNCHECKED for each in found)
    words = f"{len(found)} checks, {failed} failed, {open_} could not be made"
    output.text(output.bad(words) if failed else output.good(words))
