"""A job that writes a cluster or moves a canary outside of the resource group of what it writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from mcci.check.proofs.effects import Effects
from mcci.check.proofs.proving import Place, Proving, proving
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="cluster-write-unlocked",
    summary="In some event a job writes a cluster or a canary outside of its resource group.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/resource_groups/",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at what the jobs of each pipeline write: all that write the same must be in one resource group."""
    shared = proving(subject)
    for place in shared.places:
        if _guarded(place):
            continue
        targets: dict[str, list[str]] = {}
        for name, effect in place.effects.items():
            if target(effect):
                targets.setdefault(target(effect), []).append(name)
        for what, names in targets.items():
            yield from _target(shared, place, what, names)


def target(effect: Effects) -> str:
    """Return what a job writes, in words; nothing where it writes neither a cluster nor a canary."""
    if effect.canary is not None:
        return effect.canary.target
    return effect.cluster or ""


def _guarded(place: Place) -> bool:
    """Say whether the pipeline as a whole is in a resource group: that of the job above, which waits for it."""
    pipeline = place.member.pipeline
    if pipeline.parent is None:
        return False
    starters = pipeline.parent.configuration.groups.get(pipeline.started_by, ())
    jobs = [pipeline.parent.configuration.jobs[name] for name in starters]
    return all(job.resource_group and job.trigger is not None and job.trigger.strategy for job in jobs)


def _target(shared: Proving, place: Place, what: str, names: list[str]) -> Iterator[Finding]:
    groups = Counter(place.member.jobs[name].resource_group or "" for name in names)
    usual = next((group for group, _ in groups.most_common() if group), "")
    for name in names:
        group = place.member.jobs[name].resource_group or ""
        if group and group == usual:
            continue
        found = shared.witness(place, name, "its resource group", partial(place.present, name))
        if found is None:
            continue
        where = f"in the resource group '{group}', others in '{usual}'," if group else "without a resource group"
        message = f"job '{name}' writes {what} {where} on {found.text()}"
        advice = f"Put it into '{usual}'." if usual else "Name one for what it writes."
        yield shared.finding(RULE, place.position(name, "resource_group"), message, advice, found)
