"""What a merged job says, read the way GitLab reads it: its needs, its deployment, the ways into a pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mcci.check.open_values import is_open
from mcci.findings import Position
from mcci.pipeline.document import List, Map


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One job that another needs, in the same pipeline: item `index` of the list `listed`."""

    name: str
    optional: bool
    listed: List = field(repr=False, compare=False)
    index: int

    @property
    def position(self) -> Position:
        """Return where the need stands."""
        return self.listed.position(self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way for a job into a pipeline: the rule that lets it in (None: it has no rules), and what it then does."""

    rule: Map | None
    when: str
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The environment a job deploys to: its action is `start`."""

    environment: str
    tier: str


def needs(job: Map) -> Iterator[Need]:
    """Yield the needs on jobs of the same pipeline, those of the rules too; names known only later are left out."""
    yield from _needs(job)
    for rule in rules(job):
        yield from _needs(rule)


def own_needs(job: Map) -> list[Need] | None:
    """Return the needs of the job's own keyword; None without one: it waits for all earlier stages."""
    return list(_needs(job)) if isinstance(job.get("needs"), List) else None


def _needs(holder: Map) -> Iterator[Need]:
    listed = holder.get("needs")
    if not isinstance(listed, List):
        return
    for index, item in enumerate(listed):
        if isinstance(item, str) and not is_open(item):
            yield Need(name=item, optional=False, listed=listed, index=index)
        elif isinstance(item, Map) and not {"pipeline", "project"} & item.keys():
            name = item.get("job")
            if isinstance(name, str) and not is_open(name):
                yield Need(name=name, optional=item.get("optional") is True, listed=listed, index=index)


def rules(job: Map) -> list[Map]:
    """Return the job's rules, nested lists flattened, as `!reference` brings them."""
    found: list[Map] = []
    stack: list[object] = [job.get("rules")]
    while stack:
        item = stack.pop()
        if isinstance(item, Map):
            found.append(item)
        elif isinstance(item, List):
            stack.extend(reversed(item))
    return found


def ways(job: Map) -> list[Way]:
    """Return the ways into a pipeline, `when: never` left out.

    `when: manual` in a rule blocks (allow_failure: false), at the job it does not:
    https://docs.gitlab.com/ci/jobs/job_control/#types-of-manual-jobs
    """
    own_when, own_allowed = str(job.get("when", "on_success")), job.get("allow_failure")
    if not isinstance(job.get("rules"), List):
        optional = own_when == "manual" if own_allowed is None else own_allowed is True
        return [Way(rule=None, when=own_when, optional=optional)] if own_when != "never" else []
    found = []
    for rule in rules(job):
        when = str(rule.get("when", own_when))
        allowed = rule.get("allow_failure", own_allowed)
        optional = (when == "manual" and "when" not in rule) if allowed is None else allowed is True
        if when != "never":
            found.append(Way(rule=rule, when=when, optional=optional))
    return found


def deployment(job: Map) -> Deployment | None:
    """Return where the job deploys to; None for a job without an environment or with another action than `start`."""
    environment = job.get("environment")
    if isinstance(environment, str):
        return Deployment(environment=environment, tier=tier_of(environment))
    if not isinstance(environment, Map) or environment.get("action", "start") != "start":
        return None
    name = str(environment.get("name", ""))
    return Deployment(environment=name, tier=str(environment.get("deployment_tier") or tier_of(name)))


_TIERS = (
    ("development", r"dev|review|trunk"),
    ("testing", r"test|tst|int|ac(?:ce|)pt|qa|qc|control|quality"),
    ("staging", r"st(?:a|)g|mod(?:e|)l|pre|demo|non"),
    ("production", r"pr(?:o|)d|live"),
)


def tier_of(environment: str) -> str:
    """Return the tier GitLab gives an environment by its name, first match first.

    https://docs.gitlab.com/ci/environments/#deployment-tier-of-environments
    """
    return next((tier for tier, words in _TIERS if re.search(words, environment, re.IGNORECASE)), "other")


def is_trigger(job: Map) -> bool:
    """Say whether the job starts another pipeline instead of running on a runner."""
    return "trigger" in job
