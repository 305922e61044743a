"""The process that sends the lab's load: `python -m mcci.lab.load.generator FOLDER`, a part of the lab.

A process of its own, so that what it counts is not late because the clusters' APIs are busy, nor they because of it.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from contextlib import ExitStack
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.clients.kubernetes import client, kubeconfig
from mcci.clients.load import Load
from mcci.errors import McciError
from mcci.lab import control
from mcci.lab.load import model
from mcci.lab.load.addresses import Address, find
from mcci.lab.load.model import Seen, Wanted
from mcci.lab.plan import Folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.clients.kubernetes.api import ClusterApi
    from mcci.clients.load import Answer

EVERY = 0.5  # seconds between two looks at what is wanted
WINDOW = 10.0  # seconds that latencies and rates are of
PATIENCE = 2.0  # seconds for a cluster's answer


class Sender:
    """One load. `look` begins it as soon as its service has an address, and begins it anew where that changes."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self._load: Load | None = None
        self._address: Address | None = None
        self._problem = ""

    def look(self, clusters: Clusters) -> None:
        """Begin, where that can be."""
        if self._load is not None and not self._all_fail():
            return
        try:
            found = clusters.find(self.wanted)
        except McciError as error:
            self._problem = str(error).splitlines()[0]
            return
        if found is None:
            self._problem = f"{self.wanted.cluster} has no Service {self.wanted.service} yet"
        elif found != self._address:
            self.stop()
            headers = {"Host": found.host} if found.host else {}
            kept = int(self.wanted.rate * WINDOW * 2) + 100
            self._load = Load(found.base + self.wanted.path, rate=self.wanted.rate, headers=headers, kept=kept)
            self._load.start()
            self._address, self._problem = found, ""

    def seen(self) -> Seen:
        """Return what became of it."""
        if self._load is None:
            return Seen(wanted=self.wanted, problem=self._problem)
        tally, last = self._load.tally, self._last()
        since = min(WINDOW, max(time.monotonic() - self._load.begun, EVERY))
        times = sorted(each.seconds for each in last)
        return Seen(
            wanted=self.wanted, url=self._load.url, sent=tally.sent, failed=tally.failed,
            statuses={str(status): count for status, count in tally.by_status.items()},
            versions=dict(tally.by_version), first_failure=tally.first_failure, rate=len(last) / since,
            failing=sum(each.failed for each in last), seconds=since,
            p50=quantile(times, 0.5), p95=quantile(times, 0.95), p99=quantile(times, 0.99),
        )  # fmt: skip

    def stop(self) -> None:
        """Send no more."""
        if self._load is not None:
            self._load.stop()
            self._load = None

    def _last(self) -> list[Answer]:
        assert self._load is not None
        return self._load.since(time.time() - WINDOW)

    def _all_fail(self) -> bool:
        last = self._last()
        return bool(last) and all(each.status == 0 for each in last)


class Clusters:
    """The lab's clusters, where services are looked up."""

    def __init__(self, folder: Folder, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._apis: dict[str, ClusterApi] = {}

    def find(self, wanted: Wanted) -> Address | None:
        """Return where a load goes; None while its service is not there. Raises `McciError`."""
        plan, status = self._folder.read_plan(), control.status(self._folder)
        if plan is None or status is None:
            return None
        mesh = next((each for each in plan.meshes if wanted.cluster in each.clusters), None)
        gateway = status.parts.get("mesh", {}).get(wanted.cluster, {}).get("gateway", "")
        config = mesh.config_of(wanted.cluster) if mesh else wanted.cluster
        return find(wanted.service, self._api(wanted.cluster), self._api(config), gateway)

    def _api(self, name: str) -> ClusterApi:
        if name not in self._apis:
            text = (self._folder.cluster(name) / "kubeconfig").read_text()
            api = client.connect(name, kubeconfig.read(kubeconfig.parse(text, name), name))
            self._stack.callback(api.close)
            self._apis[name] = api.within(PATIENCE)
        return self._apis[name]


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest of the ordered values that `share` of them do not exceed; None where there are none."""
    if not ordered:
        return None
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def main(folder: Folder) -> int:
    """Send what is wanted, until SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    senders: dict[Wanted, Sender] = {}
    with ExitStack() as stack:
        clusters = Clusters(folder, stack)
        while not stop.is_set():
            wanted = model.wanted(folder)
            for gone in senders.keys() - set(wanted):
                senders.pop(gone).stop()
            for each in wanted:
                senders.setdefault(each, Sender(each)).look(clusters)
            model.tell(folder, [sender.seen() for sender in senders.values()])
            stop.wait(EVERY)
        for sender in senders.values():
            sender.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(Folder(path=Path(sys.argv[1]))))
