"""The canary's part of `mcci.yml`: the weights, what lets a step begin, and what the judge looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcci.config import forms
from mcci.config.choices import Gate
from mcci.config.keys import Duration, Marks, key, marks

_WEEK = 7 * 86400  # a job stays with a weight that bakes: GitLab lets none run for more than a month


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What the judge of a canary looks at."""

    max_error_rate: float = key(
        "The highest share of failed requests, in percent, whatever the stable version does.",
        5.0,
        minimum=0,
        maximum=100,
    )
    max_latency: Duration | None = key(
        "The longest 95th percentile of response times, if there is a limit.", None, minimum=1, maximum=3600
    )
    min_requests: int = key(
        "The fewest requests on the canary before it can pass.", 100, minimum=1, maximum=1_000_000_000
    )
    false_alarm: float = key(
        "The chance, in percent, that a canary as good as the stable version is judged worse.",
        1.0,
        minimum=0,
        maximum=50,
    )
    queries: Mapping[str, str] = key(
        "Further PromQL queries, each of one number; a canary passes while it is not above 0. `$canary`, `$stable`, "
        "`$service` and `$namespace` stand for the versions' and the service's names.",
        factory=dict,
        key_form=forms.NAME,
        form=forms.QUERY,
    )
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """How new versions take over the traffic."""

    steps: tuple[int, ...] = key(
        "The canary's weights, in percent: rising, ending at 100.", (10, 25, 50, 100), minimum=1, maximum=100
    )
    bake: Duration = key(
        "How long a weight is held before the next step may begin.", Duration(600), minimum=0, maximum=_WEEK
    )
    gate: Gate = key(
        "What starts a step: a person's manual job, or the judge by itself after the bake time.", Gate.MANUAL
    )
    rollback_window: Duration = key(
        "How long the old version is kept ready after a promotion.", Duration(3600), minimum=0, maximum=30 * 86400
    )
    analysis: Analysis = key("What the judge looks at.", factory=Analysis)
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCanary:
    """A service's own canary settings; what is left out is as in `canary`."""

    enabled: bool = key(
        "Whether new versions take over step by step. `canary: off` is short for `enabled: false`.", True
    )
    clusters: tuple[str, ...] = key(
        "The clusters that run the canary version; by default the service's own.", (), form=forms.NAME, unique=True
    )
    steps: tuple[int, ...] = key("The weights, in percent; by default those of `canary`.", (), minimum=1, maximum=100)
    bake: Duration | None = key("The bake time; by default that of `canary`.", None, minimum=0, maximum=_WEEK)
    gate: Gate | None = key("What starts a step; by default as in `canary`.", None)
    analysis: Analysis | None = key("What the judge looks at; by default as in `canary`.", None)
    marks: Marks = marks()
