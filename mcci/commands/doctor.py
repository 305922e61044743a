"""`mcci doctor`: whether the clusters, and what the jobs need beside them, are as the commands want it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci.cli import config_option, format_option
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.clients.gitlab_pipelines import Server
    from mcci.clients.kubernetes.api import Object
    from mcci.config.model import Config, Environment
    from mcci.delivery.doctor.model import Result

Places = list[tuple["Environment", str]]


@click.command("doctor")
@click.option("--environment", metavar="E", help="This environment alone (default: all of mcci.yml).")
@click.option("--cluster", metavar="C", help="This cluster alone.")
@click.option("--rbac", is_flag=True, help="Print the least role that the deployer needs, to be applied with kubectl.")
@click.option(
    "--subject", metavar="WHO", default="serviceaccount:mcci-deployer", show_default=True,
    help="With --rbac: whom the role is for: user:NAME, group:NAME or serviceaccount:[NAMESPACE/]NAME.",
)  # fmt: skip
@config_option
@format_option()
def command(
    environment: str | None, cluster: str | None, rbac: bool, subject: str, config: Path, format_: str
) -> int:  # fmt: skip
    """Check every cluster, helm, the registry and the job's variables, and say what to do about what is wrong.

    A cluster is checked as the job reaches it: its version, its clock, the namespace, each right that the commands
    need, Istio, Prometheus. Nothing is changed. Ends with 1 where a check failed.

    \b
      mcci doctor
      mcci doctor --rbac --environment production --cluster prod-aws | kubectl apply -f -
    """
    from mcci.clients import repository

    model = repository.load_config(config)
    places = _places(model, environment, cluster)
    if rbac:
        return _print_role(model, config.parent, places, subject, format_)
    return _check(model, config, places, format_)


def _places(config: Config, environment: str | None, cluster: str | None) -> Places:
    from mcci.delivery.deploy import wanted

    chosen = [wanted.environment(config, environment)] if environment else list(config.environments.values())
    places = [(each, name) for each in chosen for name in each.all_clusters if cluster in (None, name)]
    if cluster and not places:
        known = ", ".join(dict.fromkeys(name for each in chosen for name in each.all_clusters))
        raise UsageError(f"mcci.yml has no cluster '{cluster}' there. It has {known or 'none'}.")
    if not places:
        raise UsageError("mcci.yml has no environment with a cluster: there is nothing to check.")
    return places


def _check(model: Config, config: Path, places: Places, format_: str) -> int:
    from mcci import output
    from mcci.delivery.doctor import run
    from mcci.delivery.doctor.model import Status

    option = "" if config == Path("mcci.yml") else f" --config {config}"
    patient = run.Patient(
        config=model, root=config.parent, variables=os.environ, config_option=option, server=_server(model, config)
    )
    output.log(f"checking {len(places)} {'place' if len(places) == 1 else 'places'} of {model.application}")
    found = run.check(patient, places, output.log)
    bad = sum(each.status is Status.FAILED for results in found.values() for each in results)
    if format_ == "json":
        output.json_document("doctor", 1, {"failed": bad, "checks": _body(found)})
    else:
        _show(found, bad)
    return ExitCode.NO if bad else ExitCode.DONE


def _server(model: Config, config: Path) -> Server | None:
    """Return the project's GitLab as the job, mcci.yml or the git remote tells it; None where nothing does."""
    from mcci.clients import gitlab, repository
    from mcci.clients.gitlab_pipelines import Server
    from mcci.errors import McciError

    url, project = os.environ.get("CI_SERVER_URL") or model.gitlab.url, os.environ.get("CI_PROJECT_PATH", "")
    if not (url and project):
        try:
            told = gitlab.address(repository.remote(repository.root(config.absolute().parent)) or "")
        except McciError:
            told = None
        url, project = url or (told[0] if told else ""), project or (told[1] if told else "")
    if not (url and project):
        return None
    return Server(url=url.rstrip("/"), project=project, certificate=os.environ.get("CI_SERVER_TLS_CA_FILE", ""))


def _body(found: dict[str, list[Result]]) -> list[dict[str, Any]]:
    return [
        {
            "environment": place.partition("/")[0], "cluster": each.cluster, "check": each.check,
            "status": each.status.value, "found": each.found, "advice": each.advice,
        }
        for place, results in found.items()
        for each in results
    ]  # fmt: skip


def _show(found: dict[str, list[Result]], bad: int) -> None:
    from mcci import output
    from mcci.delivery.doctor.model import Status

    paint = {
        Status.OK: output.good,
        Status.WARNING: output.notable,
        Status.FAILED: output.bad,
        Status.SKIPPED: output.dim,
    }
    for place, results in found.items():
        output.heading(place or "everywhere")
        for each in results:
            output.text(f"  {paint[each.status](f'{each.status.value:8}')} {each.check:14} {each.found}")
            if each.advice and each.advice not in each.found:
                output.text(f"  {'':8} {'':14} → {each.advice}")
    output.text()
    checks = sum(map(len, found.values()))
    output.text(output.bad(f"{bad} of {checks} checks failed") if bad else output.good(f"{checks} checks, none failed"))


def _print_role(config: Config, root: Path, places: Places, subject: str, format_: str) -> int:
    from mcci import output

    roles = [_role(config, root, environment, name, subject) for environment, name in places]
    if any(each != roles[0] for each in roles):
        choices = "\n".join(
            f"  mcci doctor --rbac --environment {environment.name} --cluster {name}" for environment, name in places
        )
        raise UsageError(f"the rights differ from place to place, and each should have the least. Choose:\n{choices}")
    if format_ == "json":
        output.json_document("doctor-rbac", 1, {"kind": "List", "apiVersion": "v1", "items": list(roles[0])})
    else:
        output.text(_yaml(roles[0]))
    return ExitCode.DONE


def _role(config: Config, root: Path, environment: Environment, cluster: str, subject: str) -> Sequence[Object]:
    from mcci.clusters import role
    from mcci.delivery.doctor import needed

    namespace = config.namespace_of(environment)
    rights = needed.permissions(config, root, environment, cluster)
    return role.documents(namespace, needed.labels(config.application), rights, role.subject(subject, namespace))


def _yaml(documents: Sequence[Object]) -> str:
    import yaml

    return yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True).removesuffix("\n")
