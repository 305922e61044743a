"""`mcci doctor` as a person and a job run it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.service.clusters.stub import gitlab
from tests.service.doctor.shop import Shop, shop

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop on two clusters, in a mesh with one control plane."""
    with shop(tmp_path_factory.mktemp("clinic"), "prod-aws", "prod-azure") as found:
        yield found


def test_json(clinic: Shop) -> None:
    """The document names its schema; each check is a row with its environment and cluster; results are on stdout."""
    done = clinic.run("doctor", "--format", "json")
    document = json.loads(done.out)
    assert document["schema"] == "mcci.doctor/1"
    rows = {(each["cluster"], each["check"]): each for each in document["checks"]}
    assert rows["prod-aws", "istio"]["status"] == "ok"
    assert rows["prod-azure", "istio"]["status"] == "skipped"
    assert rows["", "helm"]["status"] == "ok"
    assert rows["prod-aws", "reachable"]["environment"] == "production"
    assert document["failed"] == sum(each["status"] == "failed" for each in document["checks"])
    assert "production/prod-azure: 5 checks" in done.said


def test_a_cluster_that_is_away(clinic: Shop) -> None:
    """One cluster without access, or not answering, fails with the reason; the others are checked all the same."""
    text = clinic.clusters["prod-azure"].kubeconfig()
    for kubeconfig, says in (
        (text.replace(clinic.clusters["prod-azure"].url, "http://127.0.0.1:1"), "not reached over TLS"),
        ("/gone", "neither the path of a file"),
    ):
        done = clinic.run("doctor", "--environment", "production", KUBECONFIG_PROD_AZURE=kubeconfig)
        assert done.code == 1
        assert says in done.out
        assert "ok       permissions" in done.out


def test_in_a_job(clinic: Shop) -> None:
    """In a job of a protected branch the variables that lack are named."""
    done = clinic.run("doctor", "--cluster", "prod-aws", CI="true", CI_COMMIT_REF_PROTECTED="true", REGISTRY_USER="x")
    assert done.code == 1
    assert "not set: REGISTRY_PASSWORD" in done.out


def test_in_the_project(clinic: Shop) -> None:
    """At a terminal with a token GitLab is asked for the project's variables; one that refuses is no failure."""
    listed = [
        {"key": "KUBECONFIG_PROD_AWS", "protected": True, "variable_type": "file", "environment_scope": "*"},
        {"key": "REGISTRY_USER", "protected": False}, {"key": "REGISTRY_PASSWORD", "protected": True},
    ]  # fmt: skip
    for code, text, says in (
        (200, json.dumps(listed), "failed   variables      not protected: REGISTRY_USER"),
        (403, "{}", "skipped  variables      not seen: GitLab answers 403"),
    ):
        with gitlab(text, code=code) as (url, asked):
            done = clinic.run(
                "doctor", "--cluster", "prod-aws", GITLAB_TOKEN="glpat-x", CI_SERVER_URL=url, CI_PROJECT_PATH="a/b"
            )
        assert says in done.out
        assert "/api/v4/projects/a%2Fb/variables" in asked[0]
        assert "glpat-x" not in done.out + done.said


def test_roles(clinic: Shop) -> None:
    """Each cluster has its own least role: with several to choose from, the command says how to choose."""
    both = clinic.run("doctor", "--rbac")
    assert both.code == 2
    assert "mcci doctor --rbac --environment production --cluster prod-azure" in both.said
    routes, others = (
        list(yaml.safe_load_all(clinic.run("doctor", "--rbac", "--cluster", name, "--subject", "group:ci").out))
        for name in ("prod-aws", "prod-azure")
    )
    assert [each["kind"] for each in routes] == [
        "Namespace", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding",
    ]  # fmt: skip
    resources = [{name for rule in role[1]["rules"] for name in rule["resources"]} for role in (routes, others)]
    assert resources[0] - resources[1] == {"destinationrules"}
    assert clinic.run("doctor", "--rbac", "--cluster", "prod-aws", "--subject", "ci").code == 2


def test_nothing_changes(clinic: Shop) -> None:
    """The doctor writes nothing: it only reads, and asks what it may."""
    for cluster in clinic.clusters.values():
        cluster.requests.clear()
    clinic.run("doctor")
    for cluster in clinic.clusters.values():
        writes = {(verb, path) for verb, path in cluster.requests.counts if verb not in ("get", "list", "watch")}
        assert writes == {("create", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--environment", "prod"), "It has production"),
        (("--cluster", "prod-gcp"), "It has prod-aws, prod-azure"),
    ],
)
def test_unknown(clinic: Shop, arguments: tuple[str, ...], says: str) -> None:
    """An environment or a cluster that is not there is a usage error that names what there is."""
    done = clinic.run("doctor", *arguments)
    assert done.code == 2
    assert says in done.said
