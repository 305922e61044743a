"""What `mcci mesh …` begins with: the plan, the open clusters, helm and Istio's charts, who acts."""

from __future__ import annotations

import base64
import os
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcci.clients.helm.binary import Helm
    from mcci.config.model import Config, Environment
    from mcci.mesh.install import Session
    from mcci.mesh.place import Place
    from mcci.mesh.plan import Plan


def load(config: Path, name: str | None) -> tuple[Config, Environment]:
    """Return the configuration and the environment called so; the only one where no name is given.

    Raises `UsageError` and `InvalidInput`.
    """
    from mcci.clients import repository
    from mcci.delivery.deploy import wanted
    from mcci.errors import UsageError

    model = repository.load_config(config)
    if name:
        return model, wanted.environment(model, name)
    having = [each for each in model.environments.values() if each.all_clusters]
    if len(having) != 1:
        known = ", ".join(each.name for each in having) or "none"
        raise UsageError(f"each environment is a mesh of its own: choose one with --environment. There is {known}.")
    return model, having[0]


def top(config: Path) -> Path:
    """Return the repository's top folder; mcci.yml's own where there is no repository."""
    from mcci.clients import repository
    from mcci.errors import UsageError

    try:
        return repository.root(config.absolute().parent)
    except UsageError:
        return config.absolute().parent


@contextmanager
def open_places(model: Config, plan: Plan, root: Path, helm: Helm | None) -> Iterator[tuple[Place, ...]]:
    """Open the mesh's clusters, in the plan's order, with a helm for each where one is given."""
    from mcci.clients.helm.client import HelmClient
    from mcci.clients.kubernetes import kubeconfig
    from mcci.clusters.access import open_clusters
    from mcci.mesh.place import Place

    chosen = [model.clusters[each.name] for each in plan.members]
    with open_clusters(chosen, os.environ, root=root) as opened:
        places = []
        for member in plan.members:
            each = opened[member.name]
            text = each.kubeconfig.read_text("utf-8")
            access = kubeconfig.read(kubeconfig.parse(text, each.source), each.source)
            places.append(
                Place(
                    member=member,
                    api=each.api,
                    helm=HelmClient(helm, os.environ, each.kubeconfig) if helm else None,
                    kubeconfig=each.kubeconfig,
                    server=access.server,
                    authority=base64.b64encode(access.authority.encode()).decode(),
                )
            )
        yield tuple(places)


@contextmanager
def open_session(
    model: Config, environment: Environment, root: Path, options: Mapping[str, Any], *, installs: bool
) -> Iterator[Session]:
    """Open what `install` and `join` share; `join` needs helm and charts for the remotes' gateways alone.

    Raises `UsageError`, and what helm and the clusters raise.
    """
    from mcci import job
    from mcci.clients.helm import binary
    from mcci.clusters import status
    from mcci.clusters.leases import Holder
    from mcci.commands.deploy_session import say, user
    from mcci.mesh import charts
    from mcci.mesh.install import Session
    from mcci.mesh.plan import plan

    now = job.read()
    made = plan(model, environment)
    with ExitStack() as stack:
        helm, found = None, {}
        if installs or any(made.has_gateway(each) for each in made.remotes):
            helm = binary.find(os.environ)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcci-charts-")))
            found = charts.find(model.mesh, root, helm, os.environ, folder)
        places = stack.enter_context(open_places(model, made, root, helm))
        yield Session(
            plan=made,
            mesh=model.mesh,
            places=places,
            charts=found,
            declared={each.name: status.declared(model, model.clusters[each.name]) for each in made.members},
            holder=Holder(identity=user(now.who), pipeline=now.pipeline_url, job_url=now.url),
            timeout=options["timeout"],
            wait=options["wait"],
            say=say,
        )
