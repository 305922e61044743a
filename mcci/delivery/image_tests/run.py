"""Testing one candidate: run it by its digest, wait until it is ready, run the declared tests, leave the report."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mcci.clients import files, probe, processes
from mcci.clients.engines.model import Run
from mcci.delivery.image_tests.junit import Case, Outcome, report
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mcci.clients.engines.model import Container, Credential, Engine, Event
    from mcci.config.model import Service
    from mcci.delivery.candidates import Candidate

FOLDER = "reports"
PAUSE = 0.1  # seconds between two looks at the health endpoint
LOG_TAIL = 40  # lines of the container's log that are shown when it does not come up


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every test of one run shares: where, with which engine, and where its words go. `timeout` is a command's."""

    root: Path
    engine: Engine
    credential: Credential
    environment: Mapping[str, str]
    log: Callable[[str], None]
    insecure: Callable[[str], bool]
    timeout: float


class NotReady(McciError):
    """The service ended, or did not become ready in time."""


def test(bench: Bench, service: Service, candidate: Candidate) -> tuple[Case, ...]:
    """Return what came of the tests of one candidate; the report is written whatever happens.

    Raises `McciError` when the image cannot be run; the report then has that as an error.
    """
    cases: list[Case] = []
    try:
        _run(bench, service, candidate, cases)
    except McciError as error:
        cases.append(Case(name=f"run {candidate.image}", outcome=Outcome.ERROR, message=str(error)))
        raise
    finally:
        write(bench.root, service.name, cases)
    return tuple(cases)


def skipped(root: Path, candidate: Candidate) -> tuple[Case, ...]:
    """Return what stands for the tests of an image that was tested when it was built, its report written."""
    message = f"unchanged: {candidate.image} was tested before it was released"
    cases = (Case(name="tests", outcome=Outcome.SKIPPED, message=message),)
    write(root, candidate.service, cases)
    return cases


def write(root: Path, service: str, cases: tuple[Case, ...] | list[Case]) -> None:
    """Write the report of a service."""
    text = report(service, cases, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    files.replace_all({root / FOLDER / f"{service}.xml": text})


def _run(bench: Bench, service: Service, candidate: Candidate, cases: list[Case]) -> None:
    run = Run(
        image=candidate.image,
        ports=tuple(service.ports.values()),
        insecure=bench.insecure(candidate.image.host),
    )
    bench.log(f"{service.name}: running {candidate.image}")
    with ExitStack() as stack:
        container = stack.enter_context(bench.engine.running(run, bench.credential, _told(bench)))
        url = _start(bench, service, container, cases)
        for command in service.tests if url else ():
            cases.append(_command(bench, service, command, url))
            if (code := container.exit_code()) is not None:
                message = f"the service ended with {code} while it was tested"
                cases.append(
                    Case(name="keeps running", outcome=Outcome.FAILED, message=message, output=container.log())
                )
                break


def _start(bench: Bench, service: Service, container: Container, cases: list[Case]) -> str:
    """Add the case of the start, and return the URL that the service answers at; empty where it does not."""
    scheme = next((name for name in ("grpc", "tcp") if next(iter(service.ports)).startswith(name)), "http")
    path = service.health.ready if scheme == "http" else ""
    name = f"starts and answers {path}" if path else "starts and takes connections"
    begin = time.monotonic()
    try:
        address = wait(container, next(iter(service.ports.values())), path, service.health.timeout)
    except NotReady as error:
        log = container.log()
        bench.log(f"{service.name}: {error}")
        for line in log.splitlines()[-LOG_TAIL:]:
            bench.log(f"    {line}")
        seconds = time.monotonic() - begin
        cases.append(Case(name=name, outcome=Outcome.FAILED, seconds=seconds, message=str(error), output=log))
        return ""
    cases.append(Case(name=name, outcome=Outcome.PASSED, seconds=time.monotonic() - begin))
    return f"{scheme}://{address}"


def wait(container: Container, port: int, path: str, timeout: float) -> str:
    """Return the `host:port` at which the service is ready. Raises `NotReady`."""
    deadline = time.monotonic() + timeout
    while True:
        addresses = container.addresses(port)
        said = "the container has no address"
        for address in addresses:
            host, _, number = address.rpartition(":")
            said = probe.answers(host, int(number), path)
            if not said:
                return address
        if (code := container.exit_code()) is not None:
            raise NotReady(f"it ended with {code} before it was ready")
        if time.monotonic() > deadline:
            raise NotReady(f"it was not ready within {timeout:.0f} s: {path or 'its port'} answered {said}")
        time.sleep(PAUSE)


def _command(bench: Bench, service: Service, command: str, url: str) -> Case:
    """Run one declared test, in the service's folder."""
    bench.log(f"$ {command}")
    lines: list[str] = []

    def line(text: str) -> None:
        lines.append(text)
        bench.log(text)

    begin = time.monotonic()
    try:
        code = processes.run(
            ["sh", "-c", command],
            line,
            environment={**bench.environment, "SERVICE_URL": url},
            folder=bench.root / service.folder,
            timeout=bench.timeout,
        )
        message = f"exit code {code}" if code else ""
    except processes.OutOfTime:
        code, message = 1, f"it took more than {bench.timeout:.0f} s"
    return Case(
        name=command,
        outcome=Outcome.FAILED if code else Outcome.PASSED,
        seconds=time.monotonic() - begin,
        message=message,
        output="\n".join(lines),
    )


def _told(bench: Bench) -> Callable[[Event], None]:
    from mcci.clients.engines.model import Kind

    def emit(event: Event) -> None:
        if event.kind is Kind.LINE:
            bench.log(event.text)
        elif event.kind is Kind.TRANSFER and event.text == "Pull complete":
            bench.log(f"{event.layer}: pulled")

    return emit
