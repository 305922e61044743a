"""`mcci build --explain`: why a service is or is not built, told by its last released image."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.clients import working_tree
from mcci.clients.registry.errors import Denied
from mcci.delivery.content_tags.assemble import chosen_files
from mcci.delivery.content_tags.differences import Cause, Difference, differences
from mcci.delivery.registries import release_repository

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mcci.clients.registry.reference import Reference
    from mcci.config.model import Config
    from mcci.delivery.content_tags.decide import Decision
    from mcci.delivery.registries import Registries

INPUTS_LABEL = "io.mcci.inputs"
HISTORY = 20  # commits that are looked for: what GitLab clones by default


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a service is built; no reason means that it is not. `since` is the commit of its last image."""

    decision: Decision
    reasons: tuple[Difference, ...] = ()
    since: str = ""
    last: Reference | None = None


def explain(config: Config, root: Path, decision: Decision, registries: Registries) -> Explanation:
    """Return why `decision` is as it is."""
    if decision.released:
        return Explanation(decision=decision)
    commits = working_tree.history(root, HISTORY)
    since, last = _last(config, decision, commits, registries)
    if last is None:
        what = f"no image of it was released from the last {len(commits)} commits"
        return Explanation(decision=decision, reasons=(Difference(cause=Cause.FIRST, what=what),))
    before = _label(registries.of(last).config(last))
    old = working_tree.below(root, since)
    files = chosen_files(decision.service, old, decision.source) if old else None
    reasons = differences(decision.inputs, before, files)
    return Explanation(decision=decision, reasons=reasons, since=since, last=last)


def _last(
    config: Config, decision: Decision, commits: Sequence[str], registries: Registries
) -> tuple[str, Reference | None]:
    """Return the newest commit that has an image in the release registry, and that image by its digest."""
    repository = release_repository(config, decision.service)
    registry = registries.of(repository)
    try:
        for commit in commits:
            if found := registry.head(repository.at(commit)):
                return commit, repository.at(found.digest)
    except Denied:  # told already when the content tag was looked up
        pass
    return "", None


def _label(image: dict[str, Any]) -> dict[str, Any]:
    try:
        found = json.loads((image.get("config") or {}).get("Labels", {}).get(INPUTS_LABEL, "{}"))
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def text(explanation: Explanation, release: Reference) -> str:
    """Return the explanation as lines."""
    decision = explanation.decision
    name, inputs = decision.service.name, decision.inputs
    lines = []
    if decision.released:
        lines.append(f"{name} is not built: {release.at(decision.content_tag)} is {decision.released.digest}.")
    else:
        lines.append(f"{name} is built: there is no {release.at(decision.content_tag)}.")
    if explanation.last:
        lines.append(f"  since its last image, of commit {explanation.since[:12]}:")
    lines += [f"  - {reason}" for reason in explanation.reasons]
    bases = "; ".join(f"{base} is {digest}" for base, digest in inputs.bases.items()) or "no base image"
    needs = f"; services {', '.join(inputs.services)}" if inputs.services else ""
    lines.append(f"  made of {len(inputs.files)} files; {bases}{needs}; what mcci.yml says of its build")
    return "\n".join(lines)


def document(explanation: Explanation, release: Reference) -> dict[str, Any]:
    """Return the explanation as JSON."""
    decision = explanation.decision
    return {
        "service": decision.service.name,
        "build": decision.released is None,
        "content_tag": decision.content_tag,
        "image": str(release.at(decision.content_tag)),
        "digest": decision.released.digest if decision.released else None,
        "since": explanation.since or None,
        "reasons": [
            {"cause": each.cause.value, "what": each.what, "was": each.was or None, "now": each.now or None}
            for each in explanation.reasons
        ],
        "inputs": {**decision.inputs.summary, "files": dict(decision.inputs.files)},
    }
