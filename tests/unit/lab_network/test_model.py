"""Which clusters of a lab are joined by its network, at which addresses, and what is said where that cannot be."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import pairwise
from pathlib import Path

import pytest

from mcci.config.choices import NetworkMode
from mcci.config.load import load
from mcci.errors import UsageError
from mcci.lab import networks
from mcci.lab.mesh.bootstrap import bootstrap
from mcci.lab.mesh.model import Pod, World
from mcci.lab.network import requirements
from mcci.lab.network.model import joined
from mcci.lab.plan import Folder, Mesh, Plan, Pods
from mcci.network import rules

CLUSTERS = {"stage": "A", "prod-aws": "B", "prod-azure": "C", "prod-gcp": "D"}
MESHES = (
    Mesh(name="stage", clusters=("stage",), config=("stage",)),
    Mesh(name="production", clusters=("prod-aws", "prod-azure", "prod-gcp"), config=("prod-aws",)),
)
PLAN = Plan(clusters=CLUSTERS, meshes=MESHES, vpn=NetworkMode.RESILIENT, slot=7)


def pod(cluster: str, address: str) -> Pod:
    """Return a pod of a cluster."""
    return Pod(name="web", cluster=cluster, namespace="shop", address=address, labels={}, ports={})


def test_only_who_is_in_a_mesh_with_others_is_joined() -> None:
    """A cluster that is alone in its mesh has no site, and its Envoy's world stays as it is."""
    found = joined(PLAN)
    assert [each.name for each in found.sites] == ["prod-aws", "prod-azure", "prod-gcp"]
    world = World(pods=(pod("stage", "127.71.0.9"), pod("prod-aws", "127.71.4.9")))
    assert found.seen("stage", world) == world
    assert found.source("stage") == ""
    assert joined(Plan(clusters=CLUSTERS, meshes=MESHES)).sites == ()


def test_other_sites_pods_are_reached_through_the_network() -> None:
    """An Envoy reaches its own cluster's pods here, and the others' at addresses that its site's machine routes."""
    found = joined(PLAN)
    world = World(pods=(pod("prod-aws", "127.71.4.9"), pod("prod-azure", "127.71.8.9")))
    assert [each.address for each in found.seen("prod-aws", world).pods] == ["127.71.4.9", "10.71.8.9"]
    assert [each.address for each in found.seen("prod-azure", world).pods] == ["10.71.4.9", "127.71.8.9"]
    assert found.source("prod-aws") == "10.135.4.2"
    bound = bootstrap("xds", node="prod-aws", admin=("127.0.0.1", 1), source_address=found.source("prod-aws"))
    assert bound["cluster_manager"]["upstream_bind_config"]["source_address"]["address"] == "10.135.4.2"
    assert "cluster_manager" not in bootstrap("xds", node="prod-aws", admin=("127.0.0.1", 1))


def test_the_network_is_one_that_mcci_makes() -> None:
    """What the lab writes as its mcci.yml is read and found right, in the mode that was asked for."""
    found = load(joined(PLAN).text().encode()).network
    assert rules.check(found) == ()
    assert found.mode is NetworkMode.RESILIENT
    assert [each.pods for each in found.sites.values()] == ["10.71.4.0/22", "10.71.8.0/22", "10.71.12.0/22"]


def test_labs_do_not_meet() -> None:
    """No range, device or table of one lab's network is another's, nor the tunnels' own."""
    labs = [
        joined(Plan(clusters=CLUSTERS, meshes=MESHES, vpn=NetworkMode.FULL_MESH, slot=slot))
        for slot in range(networks.SLOTS)
    ]
    sites = [site for lab in labs for site in lab.sites]
    ranges = sorted(IPv4Network(text) for site in sites for text in (site.pods, site.subnet))
    assert not any(one.overlaps(other) for one, other in pairwise(ranges))
    assert not any(each.overlaps(IPv4Network("10.255.0.0/16")) for each in ranges)
    assert len({each.device for each in sites}) == len({each.table for each in sites}) == len(sites)
    assert len({each.table for each in labs}) == len(labs)
    assert max(len(each.device) for each in sites) <= 15  # what Linux takes


def test_the_plan_keeps_it(tmp_path: Path) -> None:
    """The supervisor reads that a network was asked for, and how; a lab without one is another lab."""
    folder = Folder(path=tmp_path)
    folder.write_plan(PLAN)
    found = folder.read_plan()
    assert found == PLAN
    assert found != Plan(clusters=CLUSTERS, meshes=MESHES)


@pytest.mark.parametrize(
    "plan",
    [Plan(clusters={"a": "A"}, meshes=(Mesh(name="m", clusters=("a",), config=("a",)),), vpn=NetworkMode.FULL_MESH),
     Plan(clusters=CLUSTERS, meshes=MESHES, vpn=NetworkMode.FULL_MESH, pods=Pods.FAKE)],
)  # fmt: skip
def test_nothing_to_join(plan: Plan) -> None:
    """One cluster, or pods that only say they run, are refused."""
    with pytest.raises(UsageError, match="there are no two"):
        requirements.check(plan)


def test_what_is_missing_is_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without root, tunnels, programs or Ansible the error names all of them and how to get them."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(requirements, "TUNNELS", tmp_path / "tun")
    there = {"openvpn", "ip", "nft"}
    monkeypatch.setattr("shutil.which", lambda name, path: name if name in there else None)
    with pytest.raises(UsageError) as caught:
        requirements.check(PLAN)
    said = str(caught.value)
    for words in ("root", "modprobe tun", "apt-get install bird2 dpkg easy-rsa", r"pip install 'mcci[network]'"):
        assert words in said
    assert "openvpn," not in said
