"""The full mesh: OpenVPN, easy-rsa, nftables and Ansible for real, three sites with a private host behind each."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.service.network.world import until

if TYPE_CHECKING:
    from tests.service.network.project import Project

SECRET = "/etc/openvpn/mcci/site.key"


def test_three_sites_are_joined(project: Project) -> None:
    """After one `apply` all six pairs of private hosts reach each other, and `verify` says so with figures."""
    project.write()
    project.apply()
    assert set(project.world.reachable().values()) == {True}
    text = project.mcci("verify", "--seconds", "1", "--count", "5", "--format", "json")
    found = json.loads(text[text.index("{") : text.rindex("}") + 1])
    assert found["good"]
    assert {(each["source"], each["target"]) for each in found["pairs"]} == set(project.world.pairs())
    assert all(each["loss"] == 0 and each["mbits"] > 1 and each["mtu"] == 1420 for each in found["pairs"])
    assert all(set(each["routes"].values()) == {each["target"]} for each in found["pairs"])
    assert all(360 < each["certificate"] <= 366 for each in found["sites"])
    keys = {name: place.run("cat", SECRET) for name, place in project.world.gateways.items()}
    assert len(set(keys.values())) == 3
    kept = "".join(path.read_text(errors="replace") for path in project.folder.rglob("*") if path.is_file())
    assert "PRIVATE KEY" not in kept
    assert "OpenVPN tls-crypt" not in kept


def test_a_closed_tunnel_loses_nothing(project: Project) -> None:
    """When a site's own tunnel to another is closed, the other one carries on without a packet lost."""
    aws = project.world.gateways["aws"]
    for signal in ("TERM", "KILL"):
        with project.world.pinging("aws", "azure") as outages:
            time.sleep(1)
            aws.sh(f"kill -{signal} $(cat /run/mcci-vpn/client-mcci-azure.pid)")
            time.sleep(3)
        assert outages[0].sent > 20
        assert outages[0].lost == 0, outages
        assert "vpn0" in aws.sh("ip route get 10.2.0.10")
        aws.sh("/etc/openvpn/mcci/unit client mcci-azure")
        until(lambda: "vpn2" in aws.sh("ip route get 10.2.0.10"))


@pytest.mark.faults
@pytest.mark.slow
def test_a_second_run_changes_nothing(project: Project) -> None:
    """`apply` again finds everything as it should be."""
    assert "nothing had to be changed" in project.apply()


@pytest.mark.faults
@pytest.mark.slow
def test_a_cut_path_is_the_mesh_modes_limit(project: Project) -> None:
    """With both tunnels of a pair dead that pair is lost, and it alone: there is no transit. Mended, it comes back."""
    world = project.world
    world.cut("aws", "azure")
    assert {pair for pair, good in world.reachable().items() if not good} == {("aws", "azure"), ("azure", "aws")}
    text = project.mcci("verify", "--seconds", "0", "--count", "5", code=1)
    assert "aws → azure: azure does not answer" in text
    world.mend()
    until(lambda: all(world.reachable().values()))


@pytest.mark.faults
@pytest.mark.slow
def test_a_renewed_site_has_its_old_certificate_revoked(project: Project) -> None:
    """`--renew` gives a new key; whoever has the old one is refused by the other sites."""
    azure = project.world.gateways["azure"]
    azure.sh("cp -r /etc/openvpn/mcci /etc/openvpn/stolen")
    project.apply("--renew", "azure")
    until(lambda: all(project.world.reachable().values()))
    azure.sh(
        "sed -e s,mcci/site,stolen/site,g -e 's/^dev .*/dev vpn99/' /etc/openvpn/client/mcci-aws.conf >/run/stolen.conf"
    )
    azure.sh("timeout 6 openvpn --config /run/stolen.conf --route-noexec >/run/stolen.log 2>&1 || true")
    assert "Initialization Sequence Completed" not in azure.sh("cat /run/stolen.log")
    assert "certificate revoked" in project.world.gateways["aws"].sh("cat /run/mcci-vpn/server-mcci.log")


@pytest.mark.faults
@pytest.mark.slow
def test_a_member_is_taken_out_and_brought_back(project: Project) -> None:
    """A revoked site is cut off while the others go on; without the mark it is let in again with a new certificate."""
    project.write(azure="revoked: true")
    project.apply()
    reachable = project.world.reachable()
    assert {pair for pair, good in reachable.items() if good} == {("aws", "gcp"), ("gcp", "aws")}
    project.write()
    project.apply()
    until(lambda: all(project.world.reachable().values()))


@pytest.mark.faults
@pytest.mark.slow
def test_a_lost_authority_is_not_replaced_unasked(project: Project) -> None:
    """With the authority's folder lost the tunnels go on, `apply` refuses, and a new one is started only when told."""
    world = project.world
    world.gateways["aws"].sh("mv /etc/openvpn/mcci-ca /run/lost-ca")
    before = world.gateways["gcp"].sh("sha256sum /etc/openvpn/mcci/*.crt")
    assert set(world.reachable().values()) == {True}
    assert "--new-authority" in project.apply(code=1)
    assert world.gateways["gcp"].sh("sha256sum /etc/openvpn/mcci/*.crt") == before
    project.apply("--new-authority")
    assert world.gateways["gcp"].sh("sha256sum /etc/openvpn/mcci/*.crt") != before
    until(lambda: all(world.reachable().values()))


@pytest.mark.faults
@pytest.mark.slow
def test_an_expired_authority_is_refused(project: Project) -> None:
    """`apply` says that the authority's certificate has expired before it changes anything."""
    aws = project.world.gateways["aws"]
    (project.folder / "expired.pem").write_bytes(_expired())
    aws.sh("cp /etc/openvpn/mcci-ca/ca.crt /run/good.crt")
    aws.sh(f"cp {project.folder}/expired.pem /etc/openvpn/mcci-ca/ca.crt")
    try:
        assert "has expired" in project.mcci("apply", code=1)
    finally:
        aws.sh("cp /run/good.crt /etc/openvpn/mcci-ca/ca.crt")
    assert "nothing had to be changed" in project.mcci("apply")


def _expired() -> bytes:
    """Return a certificate that ended yesterday."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mcci VPN authority")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(now - timedelta(days=9)).not_valid_after(now - timedelta(days=1))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
