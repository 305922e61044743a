"""What clusters show of their ranges is read from whatever made them, and overlaps are found where there are any."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcci.clusters.ranges import Ranges, Reported, clashes, read


def node(*ranges: str) -> dict[str, Any]:
    """Return a node with its parts of the pods' range."""
    return {"metadata": {"name": "n"}, "spec": {"podCIDRs": list(ranges)}}


def cluster(name: str, pods: str = "", services: str = "", *, seen: tuple[str, ...] = ()) -> Ranges:
    """Return a cluster's ranges; `seen` are parts of its pods' range."""
    return Ranges(
        name=name, pods=ip_network(pods) if pods else None, services=ip_network(services) if services else None,
        reported=Reported(pods=tuple(map(ip_network, seen))),
    )  # fmt: skip


def kubeadm(text: str) -> dict[str, Any]:
    """Return kubeadm's ConfigMap."""
    return {"data": {"ClusterConfiguration": text}}


KUBERNETES = {"spec": {"clusterIPs": ["10.43.0.1", "fd00::1"]}}


@pytest.mark.parametrize(
    ("objects", "pods", "services", "whole"),
    [
        (((), (), (), None, None), "", "", (False, False)),
        (
            ([node("10.42.1.0/24", "fd42:1::/64"), node("10.42.0.0/24")], (), (), None, KUBERNETES),
            "10.42.0.0/23 fd42:1::/64",
            "10.43.0.1/32 fd00::1/128",
            (False, False),
        ),
        (
            (
                [node("10.42.1.0/24")],
                [{"spec": {"cidr": "10.42.0.0/16"}}, {"spec": {"cidr": "10.9.0.0/16", "disabled": True}}],
                [{"spec": {"cidrs": ["10.43.0.0/16"]}}],
                None,
                KUBERNETES,
            ),
            "10.42.0.0/16",
            "10.43.0.0/16",
            (True, True),
        ),
        (
            (
                [node("10.42.1.0/24")],
                (),
                (),
                kubeadm("networking: {podSubnet: '10.42.0.0/16,fd42::/48', serviceSubnet: 10.43.0.0/16}"),
                KUBERNETES,
            ),
            "10.42.0.0/16 fd42::/48",
            "10.43.0.0/16",
            (True, True),
        ),
    ],
)
def test_read(objects: Any, pods: str, services: str, whole: tuple[bool, bool]) -> None:
    """Calico's pools, ServiceCIDRs and kubeadm tell whole ranges; nodes and the Service `kubernetes` parts of them."""
    found = read(*objects)
    assert " ".join(map(str, found.pods)) == pods
    assert " ".join(map(str, found.services)) == services
    assert found.whole == whole


@pytest.mark.parametrize(
    "rubbish",
    [{}, {"spec": None}, {"spec": {"podCIDRs": None, "cidr": "x", "cidrs": [7, "10.0.0.1/8"]}}, [], "text", None],
)
def test_rubbish(rubbish: Any) -> None:
    """Objects of other forms than we know tell nothing, and break nothing."""
    assert read([rubbish], [rubbish], [rubbish], rubbish, rubbish) == Reported()
    assert read((), (), (), kubeadm("networking: ["), None) == Reported()
    assert read((), (), (), kubeadm("[1]"), None) == Reported()


def test_overlaps() -> None:
    """Clusters of one environment overlap in what is declared or reported; those of two environments may."""
    aws, azure = cluster("aws", "10.42.0.0/16", "10.43.0.0/16"), cluster("azure", seen=("10.42.7.0/24", "10.42.9.0/24"))
    clusters = {"aws": aws, "azure": azure}
    assert clashes(clusters, [["aws"], ["azure"]]) == ()
    (found,) = clashes(clusters, [["aws", "azure"], ["azure", "aws"], ["azure", "gone"]])
    assert found.clusters == ("aws", "azure")
    assert found.message == "the pods of aws (10.42.0.0/16) overlap the pods of azure (10.42.7.0/24) (and 1 more)."


def test_pods_and_services() -> None:
    """The pods of one cluster may not be where the Services of another are."""
    (found,) = clashes(
        {"a": cluster("a", pods="10.42.0.0/16"), "b": cluster("b", services="10.42.128.0/20")}, [["a", "b"]]
    )
    assert found.message == "the pods of a (10.42.0.0/16) overlap the Services of b (10.42.128.0/20)."


def test_not_as_declared() -> None:
    """A cluster that is not as mcci.yml says is named, with what it has."""
    (found,) = clashes({"a": cluster("a", "10.42.0.0/16", seen=("10.42.1.0/24", "10.244.0.0/24"))}, [])
    assert (found.clusters, found.message) == (
        ("a",), "the pods of a are in 10.244.0.0/24, and mcci.yml says 10.42.0.0/16."
    )  # fmt: skip
    assert "pod_cidr" in found.help


def test_unknown() -> None:
    """What nothing tells is asked for: a part of a range could hide an overlap, a whole one could not."""
    assert cluster("a", seen=("10.42.1.0/24",)).unknown == ("pod_cidr", "service_cidr")
    assert cluster("a", "10.42.0.0/16").unknown == ("service_cidr",)
    whole = Reported(pods=(ip_network("10.42.0.0/16"),), whole=(True, False))
    assert Ranges(name="a", reported=whole).unknown == ("service_cidr",)


def networks() -> st.SearchStrategy[str]:
    """Return networks that often overlap."""
    return st.builds(
        lambda number, length: str(ip_network((0x0A000000 + number * 65536, length), strict=False)),
        st.integers(0, 7), st.integers(13, 18),
    )  # fmt: skip


@given(networks(), networks())
def test_symmetric(one: str, other: str) -> None:
    """Two clusters clash exactly where they share an address, whichever of the two comes first."""
    a, b = cluster("a", one), cluster("b", other)
    first, second = (clashes({"a": a, "b": b}, [order]) for order in (("a", "b"), ("b", "a")))
    assert first == second
    assert bool(first) == ip_network(one).overlaps(ip_network(other))
