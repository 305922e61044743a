"""Looks at a cluster's services until all is well, or the time is over, and leaves the report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from mcci.clients import files, gateway, processes
from mcci.clients.kubernetes.api import POD
from mcci.delivery.deploy import live as live_now
from mcci.delivery.deploy import wanted
from mcci.delivery.deploy.model import Chart
from mcci.delivery.deploy.situations import is_in
from mcci.delivery.image_tests.junit import Case, Outcome, report
from mcci.delivery.registries import expand
from mcci.delivery.verify import checks

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.clients.kubernetes.api import ClusterApi
    from mcci.config.model import Service
    from mcci.delivery.deploy.live import Live
    from mcci.delivery.deploy.session import Session

FOLDER = "reports"
AT_ONCE = 8
PAUSE = 1.0  # seconds between two looks
TESTERS = {"x-canary": "always"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A cluster and its checks, by service."""

    cluster: str
    cases: Mapping[str, tuple[Case, ...]]

    @property
    def good(self) -> bool:
        """Whether every check holds."""
        return not any(case.outcome in (Outcome.FAILED, Outcome.ERROR) for each in self.cases.values() for case in each)


def verify(session: Session, api: ClusterApi, root: Path, environment: Mapping[str, str]) -> Verified:
    """Check every service on a cluster; `environment` is what smoke tests are given. The report is written.

    What is not well yet is looked at again until `session.timeout`. Raises what the API raises.
    """
    deadline = time.monotonic() + session.timeout
    services = [each for each in session.services if is_in(session.environment, each)]
    while True:
        live = live_now.read(api, session.namespace)
        pods = api.list(POD, session.namespace)
        found = {each.name: _state(session, live, each, pods) for each in services}
        if not _may_mend(found) or time.monotonic() + PAUSE >= deadline:
            break
        time.sleep(PAUSE)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="verify") as pool:
        asked = dict(
            zip(
                found,
                pool.map(lambda each: _ask(session, live, each, root, environment, deadline), services),
                strict=True,
            )
        )
    result = Verified(cluster=api.name, cases={name: (*found[name], *asked[name]) for name in found})
    _write(session, root, result)
    return result


def _state(session: Session, live: Live, service: Service, pods: list[Any]) -> list[Case]:
    image = wanted.image(session, service, live)
    running = [each for each in live.running(service.name) if each.version]
    cases = [
        checks.recorded(live.record, service.name, image),
        *checks.releases(live, service.name),
    ]
    if not running:
        missing = service.runs_on(live.cluster) and not service.canary.clusters
        why = "none of it runs here" if missing else "it runs on other clusters"
        outcome = Outcome.FAILED if missing else Outcome.SKIPPED
        return [*cases, Case(name="rollout", outcome=outcome, message=why)]
    if service.canary.clusters and live.cluster not in service.canary.clusters:
        digests = {each.digest for each in running}
        image = image if image.digest in digests else image.at(running[0].digest)  # its canary runs elsewhere
    return [*cases, *checks.rollouts(live, service.name, pods, image)]


def _ask(
    session: Session, live: Live, service: Service, root: Path, environment: Mapping[str, str], deadline: float
) -> list[Case]:
    """Return what came of asking the service through the gateway, and of its smoke tests."""
    url = expand(session.environment.url, environment, "environments.url") if session.environment.url else ""
    cases: list[Case] = []
    if url and _is_at_the_gateway(live, service.name):
        address = session.config.clusters[live.cluster].gateway
        target = urljoin(url.rstrip("/") + "/", service.health.ready.lstrip("/"))
        cases.append(_timed(f"{service.health.ready} through the gateway", lambda: gateway.answers(target, address)))
        if any(each.track.value == "canary" for each in live.running(service.name)):
            name = f"{service.health.ready} of the new version, through the gateway"
            cases.append(_timed(name, lambda: gateway.answers(target, address, TESTERS)))
    told = {
        **environment,
        "SERVICE_URL": url,
        "MCCI_CLUSTER": live.cluster,
        "MCCI_ENVIRONMENT": session.environment.name,
    }
    for command in service.smoke:
        cases.append(_smoke(command, root / service.folder, told, max(1.0, deadline - time.monotonic())))
    return cases


def _is_at_the_gateway(live: Live, service: str) -> bool:
    """Whether the service's traffic release binds it to a gateway of the mesh."""
    found = live.releases.get(f"{service}-traffic")
    if found is None or found.chart_name != Chart.ISTIO.value:
        return False
    opened = (found.config.get("gateway") or {}).get("enabled")
    named = (found.config.get("virtualService") or {}).get("gateways") or []
    return bool(opened or [each for each in named if each != "mesh"])


def _timed(name: str, ask: Any) -> Case:
    begin = time.monotonic()
    why = ask()
    outcome = Outcome.FAILED if why else Outcome.PASSED
    return Case(name=name, outcome=outcome, seconds=time.monotonic() - begin, message=why)


def _smoke(command: str, folder: Path, environment: Mapping[str, str], timeout: float) -> Case:
    lines: list[str] = []
    begin = time.monotonic()
    where = folder if folder.is_dir() else None
    try:
        code = processes.run(
            ["sh", "-c", command], lines.append, environment=environment, folder=where, timeout=timeout
        )
        why = f"exit code {code}" if code else ""
    except processes.OutOfTime:
        why = f"it took more than {timeout:.0f} s"
    return Case(
        name=command, outcome=Outcome.FAILED if why else Outcome.PASSED, seconds=time.monotonic() - begin, message=why,
        output="\n".join(lines),
    )  # fmt: skip


def _may_mend(found: Mapping[str, list[Case]]) -> bool:
    """Whether time may help: pods get ready, a record does not change."""
    failures = (case for cases in found.values() for case in cases if case.outcome is Outcome.FAILED)
    return any(case.name.startswith(("rollout", "pods")) for case in failures)


def _write(session: Session, root: Path, result: Verified) -> None:
    """Write the report: one suite, each check named by its service."""
    from dataclasses import replace

    suite = f"{session.environment.name}/{result.cluster}"
    cases = [
        replace(
            case, name=f"{service}: {case.name}", output=session.masks(case.output), message=session.masks(case.message)
        )
        for service, found in result.cases.items()
        for case in found
    ]
    text = report(suite, cases, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    files.replace_all({root / FOLDER / f"verify-{session.environment.name}-{result.cluster}.xml": text})
