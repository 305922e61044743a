"""The rights that mcci asks for are enough for every canary command, on a cluster that grants no others."""

from __future__ import annotations

from typing import Any

from mcci.clients.kubernetes.api import DEPLOYMENT, ROLE, ROLE_BINDING
from mcci.clusters.permissions import Feature, needed
from mcci.lab.clusters.access.users import service_account
from tests.service.canary.project import Project
from tests.unit.canary.objects import V2
from tests.unit.canary.world import SERVICE, SPACE


def test_the_jobs_rights_suffice(two: Project) -> None:
    """With the role of a cluster with Istio objects, and nothing else, a canary goes its whole way, scaled too."""
    two.deploy()
    for name in two.clusters:
        _bind(two, name, "deployer")
        file = two.folder / f"{name}.kubeconfig"
        file.write_text(two.clusters[name].kubeconfig(service_account(SPACE, "deployer")))
        file.chmod(0o600)
        two.environment[f"KUBECONFIG_{name.upper().replace('-', '_')}"] = str(file)
    for weight in (10, 25):
        code, said = two.run("step", SERVICE, "--to", str(weight))
        assert (code, two.share()) == (0, [weight, weight]), said
    for name in two.clusters:
        two.api(name).merge(DEPLOYMENT, f"{SERVICE}-{V2}", SPACE, {"spec": {"replicas": 0}})
        two.wait(name)
    code, said = two.run("step", SERVICE, "--to", "50", "--scale")
    assert (code, two.share()) == (0, [50, 50]), said
    for command in ("status", "abort"):
        code, said = two.run(command, SERVICE)
        assert code == 0, said
    assert two.share() == [0, 0]


def test_without_rights_nothing_happens(two: Project) -> None:
    """Credentials that may not move traffic end with exit code 2, and say what is missing."""
    two.deploy()
    file = two.folder / "nobody.kubeconfig"
    file.write_text(two.clusters["prod-azure"].kubeconfig(service_account(SPACE, "nobody")))
    file.chmod(0o600)
    code, said = two.run("step", SERVICE, "--to", "10", KUBECONFIG_PROD_AZURE=str(file))
    assert (code, two.share()) == (2, [0, 0])
    assert "prod-azure" in said


def _bind(found: Project, name: str, account: str) -> None:
    """Give a service account what mcci needs where the Istio objects are."""
    rules: list[dict[str, Any]] = [
        {"apiGroups": [each.kind.group], "resources": [each.resource], "verbs": [each.verb]}
        for each in needed(frozenset({Feature.MESH}))
        if each.kind.namespaced
    ]
    found.api(name).create(ROLE, {"metadata": {"name": account, "namespace": SPACE}, "rules": rules})
    subject = {"kind": "ServiceAccount", "name": account, "namespace": SPACE}
    binding = {
        "metadata": {"name": account, "namespace": SPACE},
        "subjects": [subject],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account},
    }
    found.api(name).create(ROLE_BINDING, binding)
