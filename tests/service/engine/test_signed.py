"""An image is described and signed in the job that builds it; what arrives in the release registry can be verified."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mcci.clients.signing import Signer

if TYPE_CHECKING:
    from tests.service.engine.project import Project


def keys() -> tuple[str, str]:
    """Return a new key pair as PEM: private and public."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), Signer(key).verifier.pem


def test_signed_from_build_to_release(project: Project) -> None:
    """Built, tested and pushed with a key, a release verifies with that key, and with no other."""
    private, public = keys()
    job = {"GITLAB_CI": "true", "COSIGN_PRIVATE_KEY": private}
    for command in ("build", "test", "push"):
        done = project.mcci(command, "web", **job)
        assert done.returncode == 0, done.stderr
        assert "PRIVATE KEY" not in done.stdout + done.stderr
    bill = json.loads((project.root / "sbom" / "web.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    release = project.git("rev-parse", "HEAD").strip()
    verified = project.mcci("release", "resolve", release, "--verify", COSIGN_PUBLIC_KEY=public)
    assert verified.returncode == 0, verified.stderr
    refused = project.mcci("release", "resolve", release, "--verify", COSIGN_PUBLIC_KEY=keys()[1])
    assert refused.returncode == 1
    assert "sign" in refused.stderr


def test_unsigned_is_refused(project: Project) -> None:
    """An image that nobody signed is no release where signatures are asked for."""
    for command in ("build", "test", "push"):
        assert project.mcci(command, "web").returncode == 0
    release = project.git("rev-parse", "HEAD").strip()
    refused = project.mcci("release", "resolve", release, "--verify", COSIGN_PUBLIC_KEY=keys()[1])
    assert refused.returncode == 1
    assert project.mcci("release", "resolve", release).returncode == 0
