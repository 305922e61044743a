"""What `mcci deploy` and `mcci rollback` print: what would change, and what became of each cluster."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.delivery.deploy.diff import Change
    from mcci.delivery.deploy.run import Done
    from mcci.delivery.deploy.session import Session


def show_changes(
    environment: str, release: str, found: Mapping[str, Sequence[Change]], says: Mapping[str, Mapping[str, str]],
    options: Mapping[str, Any],
) -> None:  # fmt: skip
    from mcci import output

    if options["format_"] == "json":
        body = {
            "environment": environment,
            "release": release,
            "clusters": [
                {"cluster": name, "services": dict(says.get(name, {})), "changes": [_change(each) for each in changes]}
                for name, changes in found.items()
            ],
        }
        output.json_document("deploy-diff", 1, body)
        return
    for name, changes in found.items():
        output.heading(f"{environment}/{name}")
        for service, line in says.get(name, {}).items():
            output.text(f"  {service}: {line}")
        for each in changes:
            output.text(f"  {_marked(each)}")
            for line in each.lines if options["show_diff"] else ():
                output.text(f"      {_coloured(line)}")
        if not changes:
            output.text("  nothing changes")


def _marked(change: Change) -> str:
    from mcci import output
    from mcci.delivery.deploy.diff import Kind

    mark = {Kind.CREATED: "+", Kind.CHANGED: "~", Kind.REMOVED: "-", Kind.HOOK: ">"}[change.kind]
    return f"{mark} {change.line}  {output.dim(change.release)}"


def _coloured(line: str) -> str:
    from mcci import output

    return output.good(line) if line.startswith("+") else output.bad(line) if line.startswith("-") else line


def _change(change: Change) -> dict[str, Any]:
    return {
        "release": change.release,
        "resource": change.resource,
        "change": change.kind.value,
        "fields": list(change.fields),
        "diff": list(change.lines),
    }


def show(session: Session, done: Sequence[Done], format_: str) -> None:
    """Print what became of each cluster."""
    from mcci import output

    if format_ == "json":
        clusters = [
            {
                "cluster": each.cluster,
                "seconds": round(each.seconds, 3),
                "services": [
                    {
                        "service": outcome.service,
                        "image": str(outcome.plan.image),
                        "version": outcome.plan.version,
                        "stable": outcome.plan.stable,
                        "canary": outcome.plan.canary,
                        "says": outcome.plan.says,
                        "releases_changed": outcome.changed,
                    }
                    for outcome in each.outcomes
                ],
            }
            for each in done
        ]
        body = {"environment": session.environment.name, "release": session.release.name, "clusters": clusters}
        output.json_document("deploy", 1, body)
        return
    for each in done:
        output.heading(f"{session.environment.name}/{each.cluster}  {output.dim(f'{each.seconds:.1f} s')}")
        width = max((len(outcome.service) for outcome in each.outcomes), default=0)
        for outcome in each.outcomes:
            changed = outcome.plan.says if outcome.changed else output.dim(f"unchanged: {outcome.plan.says}")
            output.text(f"  {outcome.service:{width}}  {changed}")
    sys.stdout.flush()
