"""Local clusters for tests and benchmarks: the lab's API, its controllers and pods that are fakes, in this process.

    with lab_clusters(["prod-aws", "prod-azure"]) as clusters:
        helm(..., "--kubeconfig", clusters["prod-aws"].kubeconfig_file)

A pod is ready at once, or fails as its annotation `lab.mcci.io/fake` says (`mcci/lab/clusters/pods/fake.py`).
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mcci.lab.clusters.access.users import ADMIN
from mcci.lab.clusters.cluster import Cluster
from mcci.lab.clusters.running import workloads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcci.lab.clusters.access.users import User
    from mcci.lab.clusters.api.counter import Requests
    from mcci.lab.clusters.pods.model import Runtime
    from mcci.lab.clusters.pods.node import Node
    from mcci.lab.clusters.store import Store

Object = dict[str, Any]
Pods = Literal["fake", "real"]
DEFINITIONS = Path(__file__).parents[2] / "charts" / "crds"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabCluster:
    """A cluster that runs. `store` is its state, to look at and to change behind the API's back."""

    name: str
    url: str
    kubeconfig_file: Path  # the administrator's
    cluster: Cluster
    node: Node | None

    @property
    def store(self) -> Store:
        """The cluster's objects."""
        return self.cluster.store

    @property
    def requests(self) -> Requests:
        """How many requests the API got, by verb and path; `clear()` starts again."""
        return self.cluster.requests

    def kubeconfig(self, user: User = ADMIN, *, namespace: str = "default", seconds: float | None = None) -> str:
        """Return a kubeconfig, as text: the administrator's, or of a user who may do what bindings allow.

        Its token expires after so many seconds, or never. `service_account("ns", "name")` is a user too.
        """
        return self.cluster.kubeconfig(user, namespace=namespace, seconds=seconds)


@contextmanager
def lab_clusters(
    names: Sequence[str],
    *,
    folder: Path | None = None,
    controllers: bool = True,
    pods: Pods = "fake",
    apart: bool = False,
) -> Iterator[dict[str, LabCluster]]:
    """Start a cluster for each name, and stop them at the end.

    Their state is in `folder`, and comes back from there (default: a temporary one). `controllers=False` leaves
    Deployments, Jobs and namespaces to themselves. `pods="real"` runs them: in the engine of DOCKER_HOST, else as
    processes, cluster by cluster at addresses of 127.32, 127.33 and so on. `apart` gives each cluster's Services
    addresses of their own, as clusters of one mesh must have.
    """
    with ExitStack() as stack:
        root = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcci-lab-")))
        found: dict[str, LabCluster] = {}
        for number, name in enumerate(names):
            services = f"10.{96 + number if apart else 96}.0.0/16"
            cluster = stack.enter_context(Cluster(name, root / name, definitions=DEFINITIONS, services=services))
            runtime = _runtime(name, root / "images") if pods == "real" else None
            network = f"127.{32 + number}.0.0/16"
            running = workloads(cluster, runtime=runtime, network=network)
            found[name] = _described(cluster, stack.enter_context(running) if controllers else None)
        yield found


def _runtime(name: str, images: Path) -> Runtime:
    from mcci.lab.clusters.pods.real import RealRuntime, choose

    return RealRuntime(choose(images, engines=True), f"tests-{os.getpid()}-{name}")


def _described(cluster: Cluster, node: Node | None) -> LabCluster:
    folder, name = cluster.folder, cluster.name
    kubeconfig = folder / "kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(cluster.kubeconfig(), "utf-8")
    return LabCluster(name=name, url=cluster.url, kubeconfig_file=kubeconfig, cluster=cluster, node=node)
