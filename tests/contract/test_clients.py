"""The clients that mcci's users have: helm 3 and 4 with the project's own charts, kubectl, and the Python client."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.contract.api import eventually, good
from tests.contract.objects import FAKE, deployment
from tests.tools.helm import HelmMissingError, helm, kubectl

if TYPE_CHECKING:
    from tests.contract.api import Cluster
    from tests.tools.helm import Major

ROOT = Path(__file__).parents[2]
DIGESTS = [f"sha256:{text * 32}" for text in ("ab", "cd")]
pytestmark = [pytest.mark.fake_pods]


def _environment(cluster: Cluster, tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(cluster.kubeconfig)}


def _run(environment: dict[str, str], *arguments: str, code: int = 0) -> str:
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr if code else done.stdout


def _helm(version: Major) -> str:
    try:
        return str(helm(version))
    except HelmMissingError as error:
        pytest.skip(str(error))


def _values(digest: str, *more: str) -> list[str]:
    given = [
        "app=web", "version=v1", "image.repository=registry.example.com/fleet/web", f"image.digest={digest}",
        "replicas=2", "rollout.minReadySeconds=0", "rollout.progressDeadlineSeconds=3", *more,
    ]  # fmt: skip
    return [word for each in given for word in ("--set", each)]


@pytest.mark.parametrize("version", ["3", "4"])
def test_microservice(cluster: Cluster, namespace: str, tmp_path: Path, version: Major) -> None:
    """The chart `microservice` is installed, waited for, upgraded to another image, and uninstalled without a trace."""
    program, environment = _helm(version), _environment(cluster, tmp_path)
    chart = str(ROOT / "charts/microservice")
    in_it = ["--namespace", namespace]
    up = [program, "upgrade", "--install", "web", chart, *in_it, "--wait", "--timeout", "60s"]
    pods = f"/api/v1/namespaces/{namespace}/pods"
    for digest in DIGESTS:
        _run(environment, *up, *_values(digest))

        def on_it(digest: str = digest) -> bool:
            found = good(cluster.admin.get(pods, labelSelector="app=web"))["items"]
            return len(found) == 2 and all(each["spec"]["containers"][0]["image"].endswith(digest) for each in found)

        eventually(on_it, "two pods of the image")
    (release,) = json.loads(_run(environment, program, "list", *in_it, "--output", "json"))
    assert (release["name"], release["revision"], release["status"]) == ("web", "2", "deployed")
    _run(environment, program, "uninstall", "web", *in_it, "--wait", "--timeout", "60s")
    assert json.loads(_run(environment, program, "list", *in_it, "--output", "json")) == []
    for plural in ("services", "configmaps", "secrets"):
        left = good(cluster.admin.get(f"/api/v1/namespaces/{namespace}/{plural}"))["items"]
        mine = [
            each for each in left if each["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "Helm"
        ]
        assert mine == [], plural


@pytest.mark.parametrize("version", ["3", "4"])
def test_failed_upgrade(cluster: Cluster, namespace: str, tmp_path: Path, version: Major) -> None:
    """helm's wait fails where the pods never get ready, and the release says failed; the next upgrade mends it.

    Helm 3 compares with the last release that succeeded: what only a failed one added stays, unless it is set anew.
    """
    program, environment = _helm(version), _environment(cluster, tmp_path)
    up = [program, "upgrade", "--install", "web", str(ROOT / "charts/microservice"), "--namespace", namespace, "--wait"]
    _run(environment, *up, "--timeout", "60s", *_values(DIGESTS[0]))
    annotation = f"podAnnotations.{FAKE.replace('.', chr(92) + '.')}"
    _run(environment, *up, "--timeout", "5s", *_values(DIGESTS[1], f"{annotation}=never-ready"), code=1)
    shown = json.loads(_run(environment, program, "status", "web", "--namespace", namespace, "--output", "json"))
    assert shown["info"]["status"] == "failed"
    _run(environment, *up, "--timeout", "60s", *_values(DIGESTS[0], f"{annotation}=slow=0"))


@pytest.mark.parametrize("version", ["3", "4"])
def test_migration_hook(cluster: Cluster, namespace: str, tmp_path: Path, version: Major) -> None:
    """The chart's migration runs to its end before the release, and is cleared away."""
    program, environment = _helm(version), _environment(cluster, tmp_path)
    up = [program, "install", "web", str(ROOT / "charts/microservice"), "--namespace", namespace, "--wait"]
    migration = ["migration.enabled=true", "migration.command={/bin/migrate}", "replicas=1"]
    _run(environment, *up, "--timeout", "60s", *_values(DIGESTS[0], *migration))
    jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    eventually(lambda: not good(cluster.admin.get(jobs))["items"], "the Job to be cleared away")


@pytest.mark.parametrize("version", ["3", "4"])
def test_istio(cluster: Cluster, namespace: str, tmp_path: Path, version: Major) -> None:
    """The chart `istio` is installed, its weights upgraded and read back, and uninstalled."""
    program, environment = _helm(version), _environment(cluster, tmp_path)
    for file in sorted((ROOT / "charts/crds").glob("*.yaml")):
        _run(environment, _kubectl(), "apply", "--server-side", "--force-conflicts", "--filename", str(file))
    _run(environment, _kubectl(), "wait", "--for", "condition=Established", "crd", "--all", "--timeout", "30s")
    file = tmp_path / "values.json"
    up = [program, "upgrade", "--install", "web-traffic", str(ROOT / "charts/istio"), "--namespace", namespace]
    for weights in ((100, 0), (75, 25)):
        values = _istio_values(*weights)
        file.write_text(json.dumps(values))
        _run(environment, *up, "--values", str(file), "--wait", "--timeout", "60s")
        path = f"/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices"
        (found,) = good(cluster.admin.get(path))["items"]
        assert tuple(each.get("weight", 0) for each in found["spec"]["http"][-1]["route"]) == weights
    _run(environment, program, "uninstall", "web-traffic", "--namespace", namespace)
    assert good(cluster.admin.get(path))["items"] == []


def _istio_values(*weights: int) -> dict[str, Any]:
    names = [f"v{number}" for number in range(1, len(weights) + 1)]
    return {
        "app": "web",
        "subsets": [{"name": name, "version": name} for name in names],
        "weights": [{"subset": name, "weight": weight} for name, weight in zip(names, weights, strict=True)],
    }


def _kubectl() -> str:
    try:
        return str(kubectl())
    except HelmMissingError as error:
        pytest.skip(str(error))


def test_kubectl(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """kubectl applies, waits, shows, rolls out, reads logs, describes and deletes."""
    program, environment = _kubectl(), _environment(cluster, tmp_path)
    file = tmp_path / "web.json"
    file.write_text(json.dumps(deployment("web")))
    here = ["--namespace", namespace]
    assert "created" in _run(environment, program, "apply", *here, "--filename", str(file))
    _run(environment, program, "rollout", "status", "deployment/web", *here, "--timeout", "30s")
    assert "unchanged" in _run(environment, program, "apply", *here, "--filename", str(file))
    listed = json.loads(_run(environment, program, "get", "deploy,rs,pods", *here, "--output", "json"))
    assert [each["kind"] for each in listed["items"]] == ["Deployment", "ReplicaSet", "Pod", "Pod"]
    name = listed["items"][-1]["metadata"]["name"]
    table = _run(environment, program, "get", "pods", *here)
    assert table.splitlines()[0].split()[:1] == ["NAME"]
    assert name in table
    assert "web" in _run(environment, program, "logs", name, *here)
    assert "Started" in _run(environment, program, "describe", "pod", name, *here)
    _run(environment, program, "wait", "--for", "condition=Available", "deployment/web", *here, "--timeout", "30s")
    _run(environment, program, "scale", "deployment/web", *here, "--replicas", "1")
    _run(environment, program, "rollout", "restart", "deployment/web", *here)
    _run(environment, program, "rollout", "status", "deployment/web", *here, "--timeout", "30s")
    _run(environment, program, "rollout", "undo", "deployment/web", *here)
    _run(environment, program, "rollout", "status", "deployment/web", *here, "--timeout", "30s")
    assert _run(environment, program, "auth", "can-i", "create", "deployments", *here).strip() == "yes"
    assert "deployments" in _run(environment, program, "api-resources", "--api-group", "apps")
    _run(environment, program, "label", "deployment/web", "color=red", *here)
    _run(environment, program, "annotate", "deployment/web", "note=x", *here)
    server_side = ["apply", "--server-side", "--force-conflicts", *here, "--filename", str(file)]
    assert "serverside-applied" in _run(environment, program, *server_side)
    _run(environment, program, "delete", "deployment/web", *here, "--timeout", "60s")
    assert "NotFound" in _run(environment, program, "get", "deployment", "web", *here, code=1)


def test_python_client(cluster: Cluster, namespace: str) -> None:
    """The Python client reads versions, makes and patches a Deployment, watches it, and lists its pods and events."""
    from kubernetes import client, config, watch

    configuration = client.Configuration()
    config.load_kube_config(  # type: ignore[no-untyped-call]
        config_file=str(cluster.kubeconfig), client_configuration=configuration, persist_config=False
    )
    with client.ApiClient(configuration) as api:
        assert client.VersionApi(api).get_code().git_version.startswith(f"v{cluster.version[0]}.{cluster.version[1]}")
        apps, core = client.AppsV1Api(api), client.CoreV1Api(api)
        apps.create_namespaced_deployment(namespace, cast("Any", deployment("web", replicas=1)))
        watching: Any = watch.Watch()  # type: ignore[no-untyped-call]
        for event in watching.stream(apps.list_namespaced_deployment, namespace, timeout_seconds=30):
            if (event["object"].status.available_replicas or 0) == 1:
                break
        apps.patch_namespaced_deployment("web", namespace, {"spec": {"template": {"metadata": {"labels": {"n": "1"}}}}})

        def rolled() -> bool:
            told: Any = apps.read_namespaced_deployment("web", namespace).status
            counts = (told.updated_replicas, told.replicas, told.available_replicas)
            return bool(told.observed_generation == 2 and counts == (1, 1, 1))

        eventually(rolled, "the rollout")
        found: Any = core.list_namespaced_pod(namespace, label_selector="n=1").items[0]
        assert found.status.container_statuses[0].ready is True
        assert f"{namespace}/" in core.read_namespaced_pod_log(found.metadata.name, namespace)
        assert core.list_namespaced_event(namespace).items
        with pytest.raises(client.ApiException) as caught:
            core.read_namespaced_config_map("none", namespace)
        assert caught.value.status == 404
