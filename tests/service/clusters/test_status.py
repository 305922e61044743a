"""`mcci clusters status` as a person and a job run it, on local clusters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mcci.clients.kubernetes.api import NODE
from mcci.lab.clusters.access.users import service_account
from tests.service.clusters.project import Project, api, made_by_kubeadm, project
from tests.tools.lab import lab_clusters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.tools.lab import LabCluster

CLUSTERS = """\
clusters:
  prod-aws: {cloud: aws, region: eu-south-1, pod_cidr: 10.42.0.0/16}
  prod-azure: {cloud: azure, pod_cidr: 10.44.0.0/16}
environments:
  production: {clusters: [prod-aws, prod-azure]}
"""


@pytest.fixture(scope="module")
def clusters() -> Iterator[Mapping[str, LabCluster]]:
    """Two clusters, whose Services have the same range."""
    with lab_clusters(["prod-aws", "prod-azure"]) as found:
        for each, pods in zip(found.values(), ("10.42.0.0/16", "10.44.0.0/16"), strict=True):
            made_by_kubeadm(each, pods, "10.96.0.0/12")
        yield found


@pytest.fixture
def shop(clusters: Mapping[str, LabCluster], tmp_path: Any) -> Project:
    """A project with access to both."""
    found = project(tmp_path, CLUSTERS)
    for name, each in clusters.items():
        found.become(name, str(each.kubeconfig_file))
    return found


def test_json(shop: Project) -> None:
    """The document names its schema, each cluster is a row, and the overlap of what they report is a finding."""
    done = shop.run("clusters", "status", "--format", "json")
    document = json.loads(done.out)
    assert (done.code, document["schema"], document["good"]) == (1, "mcci.clusters-status/1", False)
    aws, azure = document["clusters"]
    assert aws["version"].startswith("v1.")
    assert (aws["reachable"], aws["nodes"]) == (True, {"total": 1, "ready": 1, "not_ready": []})
    assert aws["pods"] == {"declared": "10.42.0.0/16", "reported": ["10.42.0.0/16"]}
    assert azure["services"] == {"declared": "", "reported": ["10.96.0.0/12"]}
    assert [each["clusters"] for each in document["findings"]] == [["prod-aws", "prod-azure"]]
    assert "10.96.0.0/12" in document["findings"][0]["finding"]


def test_apart(shop: Project, clusters: Mapping[str, LabCluster]) -> None:
    """Clusters of two environments may overlap; a cluster that is alone and well ends with 0."""
    shop.configure(CLUSTERS.replace("[prod-aws, prod-azure]}", "[prod-aws]}\n  other: {clusters: [prod-azure]}"))
    done = shop.run("clusters", "status")
    assert done.code == 0, done
    assert "2 clusters, all well" in done.out
    assert "note" not in done.out
    assert len(shop.run("clusters", "status", "--environment", "other").out.splitlines()) == 4


def test_not_as_declared(shop: Project, clusters: Mapping[str, LabCluster]) -> None:
    """A node that is not ready, and pods outside of the declared range, are found and named."""
    body = {
        "metadata": {"name": "worker-2"}, "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]},
    }  # fmt: skip
    with api(clusters["prod-aws"]) as aws:
        aws.create(NODE, body)
        made_by_kubeadm(clusters["prod-aws"], "10.99.0.0/16", "10.96.0.0/12")
        try:
            done = shop.run("clusters", "status")
        finally:
            aws.delete(NODE, "worker-2")
            made_by_kubeadm(clusters["prod-aws"], "10.42.0.0/16", "10.96.0.0/12")
    assert done.code == 1
    assert "prod-aws: 1 of 2 nodes are ready; not worker-2." in done.out
    assert "the pods of prod-aws are in 10.99.0.0/16, and mcci.yml says 10.42.0.0/16." in done.out


def test_without_rights(shop: Project, clusters: Mapping[str, LabCluster]) -> None:
    """With credentials that see neither nodes nor ranges, a cluster's version is shown, and no more is claimed."""
    shop.become("prod-aws", clusters["prod-aws"].kubeconfig(service_account("default", "nobody")))
    document = json.loads(shop.run("clusters", "status", "--format", "json").out)
    row = document["clusters"][0]
    assert document["notes"] == ["prod-aws: give its service_cidr; without it, overlaps may go unseen"]
    assert (row["reachable"], row["nodes"], row["pods"]["reported"]) == (True, None, [])


def test_away(shop: Project, clusters: Mapping[str, LabCluster]) -> None:
    """A cluster that does not answer, or whose credentials are refused, is a finding; the others are shown."""
    text = clusters["prod-azure"].kubeconfig()
    for kubeconfig, says in (
        (text.replace(clusters["prod-azure"].url, "https://127.0.0.1:9"), "failed for 2 s"),
        (text.replace("token: ", "token: x"), "does not take the credentials (401)"),
        ("/gone", "neither the path of a file"),
    ):
        shop.become("prod-azure", kubeconfig)
        done = shop.run("clusters", "status", "--timeout", "2")
        assert done.code == 1
        assert says in done.out
        assert "prod-aws    yes" in done.out


def test_usage(shop: Project) -> None:
    """An environment that is none, and a file without clusters, are usage errors that say what there is."""
    done = shop.run("clusters", "status", "--environment", "prod")
    assert (done.code, done.out) == (2, "")
    assert "no environment 'prod'. It has production" in done.said
    shop.configure("")
    assert shop.run("clusters", "status").code == 2
