"""What load is wanted, and what its sender has seen: each a file in the lab's folder, written whole."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mcci.errors import UsageError
from mcci.lab.plan import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from mcci.lab.plan import Folder

MOST = 1000.0  # requests a second: more than one sender can send
FORM = "write SERVICE[@CLUSTER][/PATH]=RATE, such as staff-service/drivers/v-0001=100"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Requests to a service from callers of one cluster; `rate` is in requests a second, 0 for none."""

    service: str
    cluster: str
    path: str = "/"
    rate: float

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells one load from another."""
        return self.service, self.cluster, self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What became of a load: all its requests, and the latencies (seconds) of the last `seconds`."""

    wanted: Wanted
    url: str = ""
    sent: int = 0
    failed: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    first_failure: str = ""
    rate: float = 0.0
    failing: int = 0
    seconds: float = 0.0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    problem: str = ""

    @property
    def line(self) -> str:
        """What people are told."""
        to = f"{self.wanted.service} from {self.wanted.cluster}"
        if not self.url:
            return f"{to}: waits, {self.problem or 'it has just begun'}"
        times = ", ".join(
            f"{name} {1000 * value:.0f} ms"
            for name, value in (("p50", self.p50), ("p95", self.p95), ("p99", self.p99))
            if value is not None
        )
        failed = f"{self.failed} failed" + (f" ({self.first_failure})" if self.first_failure else "")
        asked = f"{self.rate:.1f} of {self.wanted.rate:g} requests/s"
        return f"{to}: {asked}, {self.sent} sent, {failed}" + (f", {times}" if times else "")

    @property
    def body(self) -> dict[str, Any]:
        """The same for machines; latencies in seconds."""
        return {**asdict(self.wanted), "asked": self.wanted.rate, **_without(asdict(self), "wanted")}


def parse(text: str, clusters: Collection[str], default: str) -> Wanted:
    """Return the load that `SERVICE[@CLUSTER][/PATH]=RATE` says; `default` is the cluster of one that names none.

    Raises `UsageError`.
    """
    target, _, number = text.rpartition("=")
    name, slash, path = target.partition("/")
    service, at, cluster = name.partition("@")
    try:
        rate = float(number)
    except ValueError:
        rate = math.nan
    if not service or (at and not cluster) or not 0 <= rate <= MOST:
        raise UsageError(f"--load {text}: {FORM}; the rate is from 0 (stop it) to {MOST:g} requests a second.")
    if (cluster or default) not in clusters:
        raise UsageError(f"--load {text}: there is no cluster '{cluster}'; there are {', '.join(clusters)}.")
    return Wanted(service=service, cluster=cluster or default, path=slash + path if slash else "/", rate=rate)


def wanted(folder: Folder) -> tuple[Wanted, ...]:
    """Return the loads that are wanted."""
    body = read_json(_wanted(folder)) or {}
    return tuple(Wanted(**each) for each in body.get("loads", ()))


def want(folder: Folder, given: Iterable[Wanted]) -> None:
    """Have these loads beside those that there are, in place of the same ones; a rate of 0 ends one."""
    found = {each.key: each for each in (*wanted(folder), *given)}
    _write(_wanted(folder), {"loads": [asdict(each) for each in found.values() if each.rate]})


def seen(folder: Folder) -> tuple[Seen, ...]:
    """Return what became of each load that is wanted."""
    body = read_json(_seen(folder)) or {}
    known = (Seen(**_without(each, "wanted"), wanted=Wanted(**each["wanted"])) for each in body.get("loads", ()))
    found = {each.wanted: each for each in known}
    return tuple(found.get(each, Seen(wanted=each)) for each in wanted(folder))


def tell(folder: Folder, found: Iterable[Seen]) -> None:
    """Say what became of the loads."""
    _write(_seen(folder), {"loads": [asdict(each) for each in found]})


def forget(folder: Folder) -> None:
    """Want no load."""
    for file in (_wanted(folder), _seen(folder)):
        file.unlink(missing_ok=True)


def _wanted(folder: Folder) -> Path:
    return folder.path / "load" / "wanted.json"


def _seen(folder: Folder) -> Path:
    return folder.path / "load" / "seen.json"


def _write(file: Path, body: Mapping[str, Any]) -> None:
    file.parent.mkdir(exist_ok=True)
    write_json(file, body)


def _without(body: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != key}
