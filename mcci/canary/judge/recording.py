"""The format of recorded series, `mcci.series/1`: what `mcci canary judge --from` replays, in YAML or JSON.

Either `looks`, what each version did look by look, or `series`, what Prometheus answered to a range selector such as
`istio_requests_total{…}[1h]`, with the two versions' names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.config.keys import Marks, key, marks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcci.canary.judge.model import Counts, Look

SCHEMA = "mcci.series/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What one version, or one of its pods, did in a look."""

    requests: int = key("Its requests.", minimum=0)
    errors: int = key("How many of them failed.", 0, minimum=0)
    timed: int | None = key("How many have a known duration; by default all, when `slower` is given.", None, minimum=0)
    slower: Mapping[str, int] = key(
        "How many took longer than a bound, by the bound in milliseconds.", factory=dict, minimum=0
    )
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedLook:
    """What both versions did in one cluster between two scrapes, and what else was known then."""

    cluster: str = key("The cluster.", "recorded")
    start: float | None = key("When it began, in Unix seconds; by default where the cluster's last one ended.", None)
    seconds: float = key("How long it took.", 60.0, minimum=0)
    canary: Version = key("The canary's requests.")
    stable: Version = key("The stable version's requests.")
    pods: tuple[Version, ...] = key("The stable version's requests, pod by pod.", ())
    queries: Mapping[str, float] = key("The numbers of the configured queries.", factory=dict)
    troubles: tuple[str, ...] = key("What was wrong with the canary's pods.", ())
    problems: tuple[str, ...] = key("What kept the numbers from being known.", ())
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The two versions in recorded Prometheus series, by their `destination_version`."""

    canary: str = key("The canary's version.")
    stable: str = key("The stable version.")
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording, replayed from its first look to its last."""

    schema: str = key(f"`{SCHEMA}`.")
    weight: int | None = key("The canary's weight in percent.", None, minimum=0, maximum=100)
    looks: tuple[RecordedLook, ...] = key("The looks, in order.", ())
    versions: Names | None = key("The two versions in `series`.", None)
    since: float | None = key("When the canary began in `series`, in Unix seconds; by default at their start.", None)
    series: Mapping[str, object] = key("Lists of `{metric: …, values: …}` as Prometheus gave them.", factory=dict)
    marks: Marks = marks()


def record(looks: Iterable[Look], *, weight: int | None) -> dict[str, Any]:
    """Return looks as a recording, in JSON values."""
    return {
        "schema": SCHEMA,
        "weight": weight,
        "looks": [
            {
                "cluster": look.cluster,
                "start": look.start,
                "seconds": look.end - look.start,
                "canary": _version(look.canary),
                "stable": _version(look.stable),
                "pods": [_version(pod) for pod in look.pods],
            }
            for look in looks
        ],
    }


def _version(counts: Counts) -> dict[str, Any]:
    told: dict[str, Any] = {"requests": counts.requests, "errors": counts.errors}
    if counts.timed:
        told |= {"timed": counts.timed, "slower": {f"{bound:g}": slow for bound, slow in counts.slower.items()}}
    return told
