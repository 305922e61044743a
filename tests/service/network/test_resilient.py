"""The resilient mode: one tunnel a pair, and bird's OSPF finds the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.service.network.world import until

if TYPE_CHECKING:
    from tests.service.network.project import Project

pytestmark = [pytest.mark.faults, pytest.mark.slow]
MOST = 5.0  # seconds without an answer


def test_a_cut_path_is_gone_round(project: Project) -> None:
    """When the way between two sites is cut, packets go by the third within five seconds, and directly once mended."""
    project.write("resilient")
    project.apply()
    world = project.world
    aws = world.gateways["aws"]
    until(lambda: all(world.reachable().values()))
    with world.pinging("aws", "azure") as outages:
        time.sleep(1)
        world.cut("aws", "azure")
        time.sleep(8)
    assert 0.5 < outages[0].seconds < MOST, outages
    assert "vpn3" in aws.sh("ip route get 10.2.0.10")
    assert "by gcp" in project.mcci("verify", "--seconds", "0", "--count", "5")
    world.mend()
    until(lambda: "vpn2" in aws.sh("ip route get 10.2.0.10"), 60)


def test_a_second_run_changes_nothing(project: Project) -> None:
    """`apply` again finds everything as it should be."""
    assert "nothing had to be changed" in project.apply()


def test_the_mode_can_be_changed(project: Project) -> None:
    """Back to the full mesh: bird is gone, each pair has two tunnels again."""
    project.write("full-mesh")
    project.apply()
    until(lambda: all(project.world.reachable().values()))
    assert "proto bird" not in project.world.gateways["aws"].sh("ip route")
    assert project.world.gateways["aws"].sh("ls /etc/openvpn/server").split() == ["mcci.conf"]
