"""`mcci test`: run each candidate, and the service's declared tests against it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from mcci import output
from mcci.cli import config_option, format_option
from mcci.errors import ExitCode, McciError

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.config.model import Config
    from mcci.delivery.image_tests.junit import Case
    from mcci.delivery.image_tests.run import Bench


@click.command("test")
@click.argument("services", metavar="SERVICE…", nargs=-1)
@click.option("--all", "all_services", is_flag=True, help="Test every service of mcci.yml.")
@click.option("--force", is_flag=True, help="Test also an image that was released before.")
@click.option(
    "--timeout", metavar="SECONDS", type=click.IntRange(min=1), default=600, show_default=True,
    help="The longest that one declared test may take.",
)  # fmt: skip
@config_option
@format_option()
def command(
    services: tuple[str, ...], all_services: bool, force: bool, timeout: int, config: Path, format_: str
) -> int:
    """Run the candidate of SERVICE… by its digest, wait until it is ready, and run its `tests` against it.

    The tests run in the service's folder; SERVICE_URL says where it answers. reports/SERVICE.xml is the JUnit report.
    The container is gone at the end, however it ends. What is unchanged was tested before, and is not tested again.
    """
    from mcci.clients import repository
    from mcci.commands.build import chosen, failed

    model = repository.load_config(config)
    names = chosen(model, services, all_services=all_services)
    bench = _bench(model, config.parent, timeout)
    results: dict[str, tuple[Case, ...]] = {}
    errors: dict[str, McciError] = {}
    for name in names:
        try:
            results[name] = _test(model, bench, name, force=force)
        except McciError as error:
            errors[name] = error
    _show(results, format_)
    return failed(errors) or _verdict(results)


def _bench(config: Config, root: Path, timeout: int) -> Bench:
    from mcci.clients.engines import ENGINES
    from mcci.clients.registry import credentials
    from mcci.clients.registry.retry import Policy
    from mcci.clients.registry.transport import is_loopback
    from mcci.delivery.builds.engine import engine_name
    from mcci.delivery.image_tests.run import Bench
    from mcci.delivery.registries import settings

    spoken = settings(config, os.environ, output.log, Policy())
    return Bench(
        root=root,
        engine=ENGINES[engine_name(os.environ)],
        credential=lambda host: credentials.find(host, os.environ, spoken.logins),
        environment=os.environ,
        log=output.log,
        insecure=lambda host: is_loopback(host) or host in spoken.insecure,
        timeout=timeout,
    )


def _test(config: Config, bench: Bench, name: str, *, force: bool) -> tuple[Case, ...]:
    from mcci.delivery import candidates
    from mcci.delivery.image_tests import run

    candidate = candidates.load(bench.root, name)
    if candidate.unchanged and not force:
        return run.skipped(bench.root, candidate)
    bench.engine.check()
    return run.test(bench, config.services[name], candidate)


def _show(results: dict[str, tuple[Case, ...]], format_: str) -> None:
    if format_ == "json":
        output.json_document("test", 1, {"services": [_entry(name, cases) for name, cases in results.items()]})
        return
    from mcci.delivery.image_tests.junit import Outcome

    paint = {Outcome.PASSED: output.good, Outcome.SKIPPED: output.dim}
    for name, cases in results.items():
        for case in cases:
            word = paint.get(case.outcome, output.bad)(f"{case.outcome.value:7}")
            why = f" ({case.message})" if case.message else ""
            output.text(f"{word} {name}: {case.name}{why} {output.dim(f'{case.seconds:.1f} s')}")


def _entry(name: str, cases: tuple[Case, ...]) -> dict[str, Any]:
    return {
        "service": name,
        "report": f"reports/{name}.xml",
        "tests": [
            {
                "name": case.name,
                "outcome": case.outcome.value,
                "seconds": round(case.seconds, 3),
                "message": case.message,
            }
            for case in cases
        ],
    }


def _verdict(results: dict[str, tuple[Case, ...]]) -> ExitCode:
    from mcci.delivery.image_tests.junit import Outcome

    bad = (Outcome.FAILED, Outcome.ERROR)
    return ExitCode.NO if any(case.outcome in bad for cases in results.values() for case in cases) else ExitCode.DONE
