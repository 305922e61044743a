"""etcd, kube-apiserver and kube-controller-manager on loopback: a cluster without nodes, with TLS and tokens."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.service.registry.certificates import self_signed
from tests.service.registry.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.real.sources import Binaries

ADMIN, NOBODY = "admin-token", "nobody-token"
WAIT = 60.0  # seconds that a server may take to come up
# A node's job is done by who reads this; and what looks after nodes would find none of them healthy.
LEFT_OUT = ("nodelifecycle", "nodeipam", "route", "cloud-node-lifecycle", "service", "attachdetach", "ttl")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """A real Kubernetes API: where it answers, and the certificate it shows."""

    url: str
    certificate: Path


@contextlib.contextmanager
def control_plane(binaries: Binaries, folder: Path) -> Iterator[ControlPlane]:
    """Run a control plane that keeps its state in `folder`; all of it is gone at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = self_signed(folder)
    signing = _signing_key(folder)
    tokens = folder / "tokens.csv"
    tokens.write_text(f'{ADMIN},admin,admin,"system:masters"\n{NOBODY},nobody,nobody\n')
    clients, peers, port = free_port(), free_port(), free_port()
    url = f"https://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            _process(
                folder / "etcd.log", str(binaries.etcd), f"--data-dir={folder}/etcd", "--unsafe-no-fsync",
                f"--listen-client-urls=http://127.0.0.1:{clients}", f"--advertise-client-urls=http://127.0.0.1:{clients}",
                f"--listen-peer-urls=http://127.0.0.1:{peers}", f"--initial-advertise-peer-urls=http://127.0.0.1:{peers}",
                f"--initial-cluster=default=http://127.0.0.1:{peers}",
            )
        )  # fmt: skip
        server = stack.enter_context(
            _process(
                folder / "kube-apiserver.log", str(binaries.apiserver), f"--etcd-servers=http://127.0.0.1:{clients}",
                f"--secure-port={port}", "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
                f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}", f"--token-auth-file={tokens}",
                "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24", f"--cert-dir={folder}",
                f"--service-account-issuer={url}", f"--service-account-key-file={signing}",
                f"--service-account-signing-key-file={signing}", "--kubelet-preferred-address-types=InternalIP",
                "--watch-cache=true", "--anonymous-auth=true",
            )
        )  # fmt: skip
        _wait(url, certificate, server, folder / "kube-apiserver.log")
        kubeconfig = write_kubeconfig(folder / "controllers.yml", ControlPlane(url=url, certificate=certificate), ADMIN)
        stack.enter_context(
            _process(
                folder / "kube-controller-manager.log", str(binaries.controller_manager), f"--kubeconfig={kubeconfig}",
                "--leader-elect=false", f"--service-account-private-key-file={signing}",
                f"--root-ca-file={certificate}", "--port=0", f"--secure-port={free_port()}",
                f"--cert-dir={folder}/controllers", f"--controllers=*,{','.join('-' + name for name in LEFT_OUT)}",
                "--concurrent-deployment-syncs=5", "--pvclaimbinder-sync-period=1h",
            )
        )  # fmt: skip
        yield ControlPlane(url=url, certificate=certificate)


def write_kubeconfig(path: Path, server: ControlPlane, token: str) -> Path:
    """Write a kubeconfig for one user of the server."""
    path.write_text(
        f"""\
apiVersion: v1
kind: Config
current-context: real
clusters: [{{name: real, cluster: {{server: "{server.url}", certificate-authority: "{server.certificate}"}}}}]
users: [{{name: user, user: {{token: {token}}}}}]
contexts: [{{name: real, context: {{cluster: real, user: user}}}}]
"""
    )
    path.chmod(0o600)
    return path


def _signing_key(folder: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = folder / "service-accounts.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    return path


@contextlib.contextmanager
def _process(log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(url: str, certificate: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate))
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError, urllib.error.URLError):
            request = urllib.request.Request(f"{url}/readyz", headers={"Authorization": f"Bearer {ADMIN}"})
            with urllib.request.urlopen(request, context=trusted, timeout=5) as answer:
                if answer.status == 200:
                    return
        time.sleep(0.1)
    raise RuntimeError("kube-apiserver does not come up:\n" + "\n".join(log.read_text().splitlines()[-20:]))
