"""SBOM, provenance and signatures in a real registry, and a release that is verified before it is used."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from mcci.clients.registry import manifests
from mcci.clients.registry.manifests import Descriptor
from mcci.clients.signing import Signer
from mcci.delivery.supply_chain import cosign, dsse, provenance, sbom
from mcci.delivery.supply_chain.attach import attach
from mcci.delivery.supply_chain.provenance import Build
from tests.service.registry import images
from tests.service.registry.project import COMMIT

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.clients.registry.client import Registry
    from mcci.clients.registry.manifests import Manifest
    from mcci.clients.registry.reference import Reference
    from tests.service.registry.project import Project

KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = Signer(KEY)
LAYERS = [
    images.layer(
        {
            "etc/os-release": b'ID=debian\nVERSION_ID="12"\n',
            "var/lib/dpkg/status": b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\n",
            "usr/lib/python3/site-packages/Old_Name-1.dist-info/METADATA": b"Name: Old_Name\nVersion: 1\n",
        }
    ),
    images.layer(
        {
            "usr/lib/python3/site-packages/.wh.Old_Name-1.dist-info": b"",
            "./app/node_modules/@scope/left/package.json": b'{"name":"@scope/left","version":"2.0.0","license":"MIT"}',
        }
    ),
]


def build(project: Project, service: str, manifest: Manifest) -> Build:
    return Build(
        service=service, image=project.built(service).at(manifest.digest), identity=project.release(service),
        content_tag="content-1", commit=COMMIT, source="https://gitlab.example.com/group/shop", dockerfile="Dockerfile",
        bases={"docker.io/library/python:3.12-slim": "sha256:" + "b" * 64},
        builder="https://gitlab.example.com/-/runners/1", job_url="https://gitlab.example.com/group/shop/-/jobs/1",
        started="2026-11-01T00:00:00Z", finished="2026-11-01T00:01:00Z",
    )  # fmt: skip


@pytest.fixture
def public(project: Project) -> Path:
    file = project.folder / "cosign.pub"
    file.write_text(SIGNER.verifier.pem)
    return file


def push_all(project: Project, candidates: Registry, key: Signer | None = SIGNER) -> dict[str, Manifest]:
    """Build, attach and push every service."""
    pushed = {}
    for service in ("cart", "orders"):
        layers = [*LAYERS, images.layer({service: b"1"})]
        pushed[service] = manifest = images.push(candidates, project.built(service), layers)
        attach(candidates, build(project, service, manifest), key)
        project.candidate(service, manifest)
    done = project.mcci("push", "cart", "orders")
    assert done.code == 0, done.err
    return pushed


def test_verified(project: Project, candidates: Registry, public: Path) -> None:
    """A release whose images are signed is resolved; the key comes from a file, or from cosign's own variable."""
    push_all(project, candidates)
    assert project.mcci("release", "resolve", COMMIT, "--verify", "--key", str(public)).code == 0
    for value in (SIGNER.verifier.pem, str(public)):
        assert project.mcci("release", "resolve", COMMIT, "--verify", COSIGN_PUBLIC_KEY=value).code == 0


def test_attached(project: Project, candidates: Registry, hub: Registry) -> None:
    """SBOM, attestations and signature arrive with the image, as referrers and under cosign's tags."""
    manifest = push_all(project, candidates)["cart"]
    image = project.release("cart").at(manifest.digest)
    kinds = {each.artifact_type: each for each in hub.referrers(image)}
    assert set(kinds) == {sbom.MEDIA_TYPE, dsse.PAYLOAD_TYPE, cosign.SIGNATURE_ARTIFACT}
    assert hub.head(image.at(cosign.tag(image.digest))).digest == kinds[cosign.SIGNATURE_ARTIFACT].digest  # type: ignore[union-attr]
    attested = hub.get_manifest(image.at(cosign.tag(image.digest, "att")))
    statements = [dsse.opened(hub.blob(image, each), SIGNER.verifier) for each in attested.layers]
    assert [each["predicateType"] for each in statements if each] == [provenance.PREDICATE, sbom.PREDICATE]
    for each in statements:
        assert each
        assert each["subject"] == [{"name": image.name, "digest": {"sha256": image.digest.removeprefix("sha256:")}}]


def test_bill_of_materials(project: Project, candidates: Registry) -> None:
    """The SBOM lists what the image's layers hold once all are applied, valid by CycloneDX's own schema."""
    manifest = images.push(candidates, project.built("cart"), LAYERS)
    text = attach(candidates, build(project, "cart", manifest), SIGNER).sbom
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    body = json.loads(text)
    assert sorted(each["purl"] for each in body["components"]) == [
        "pkg:deb/debian/libc6@2.36-9?distro=debian-12",
        "pkg:npm/%40scope/left@2.0.0",
    ]
    assert body["metadata"]["component"]["version"] == manifest.digest
    assert attach(candidates, build(project, "cart", manifest), SIGNER).sbom == text


def test_without_key(project: Project, candidates: Registry, public: Path) -> None:
    """Without a key there is a provenance all the same; a release of it is refused when it is to be verified."""
    push_all(project, candidates, None)
    done = project.mcci("release", "resolve", COMMIT, "--verify", "--key", str(public))
    assert done.code == 1
    assert "is not signed: it has no signature" in done.err
    assert not (project.folder / "release.json").exists()
    assert project.mcci("release", "resolve", COMMIT, MCCI_VERIFY="1", COSIGN_PUBLIC_KEY=str(public)).code == 1
    assert project.mcci("release", "resolve", COMMIT).code == 0


def test_other_key(project: Project, candidates: Registry, tmp_path: Path) -> None:
    """A signature by another key does not count."""
    push_all(project, candidates)
    other = tmp_path / "other.pub"
    other.write_text(Signer(ec.generate_private_key(ec.SECP256R1())).verifier.pem)
    done = project.mcci("release", "resolve", COMMIT, "--verify", "--key", str(other))
    assert done.code == 1
    assert "it is not by this key, or was altered" in done.err


def test_exchanged(project: Project, candidates: Registry, hub: Registry, public: Path) -> None:
    """An image put under a release's tag by somebody else is refused, though the tag's old image was signed."""
    push_all(project, candidates)
    images.push(hub, project.release("orders"), [images.layer({"evil": b"1"})], tag=COMMIT)
    done = project.mcci("release", "resolve", COMMIT, "--verify", "--key", str(public))
    assert done.code == 1
    assert f"{project.release('orders').name}@sha256:" in done.err


def test_signed_for_another(project: Project, candidates: Registry, hub: Registry, public: Path) -> None:
    """A signed image of one service cannot stand in for another's, its signature copied along."""
    pushed = push_all(project, candidates)
    one, other = project.release("cart"), project.release("orders")
    cart = pushed["cart"]
    for blob in cart.blobs:
        hub.put_blob(other, b"".join(hub.read_blob(one, blob)))
    hub.put_manifest(other.at(COMMIT), cart)
    signature = hub.get_manifest(one.at(cosign.tag(cart.digest)))
    for blob in signature.blobs:
        hub.put_blob(other, hub.blob(one, blob))
    hub.put_manifest(other.at(cosign.tag(cart.digest)), signature)
    done = project.mcci("release", "resolve", COMMIT, "--verify", "--key", str(public))
    assert done.code == 1
    assert f"it is of an image of {one.name}" in done.err


def altered(hub: Registry, image: Reference, **change: str) -> None:
    """Replace the image's signature by one whose payload says something else, the signature itself kept."""
    signature = hub.get_manifest(image.at(cosign.tag(image.digest)))
    (layer,) = signature.layers
    data = hub.blob(image, layer).replace(change["old"].encode(), change["new"].encode())
    new = Descriptor(
        media_type=layer.media_type, digest=hub.put_blob(image, data), size=len(data), annotations=layer.annotations
    )
    assert signature.config
    hub.put_manifest(image.at(cosign.tag(image.digest)), manifests.build(config=signature.config, layers=[new]))
    for each in hub.referrers(image):
        hub.http.request("DELETE", f"/v2/{image.repository}/manifests/{each.digest}", "", what="deleting")
    hub.put_manifest(image.at(manifests.referrers_tag(image.digest)), manifests.build_index([]))


def test_altered_signature(project: Project, candidates: Registry, hub: Registry, public: Path) -> None:
    """A signature moved to another digest by editing its payload is refused."""
    manifest = push_all(project, candidates)["cart"]
    evil = images.push(hub, project.release("cart"), [images.layer({"evil": b"1"})], tag=COMMIT)
    image = project.release("cart").at(evil.digest)
    signature = hub.get_manifest(image.at(cosign.tag(manifest.digest)))
    hub.put_manifest(image.at(cosign.tag(evil.digest)), signature)
    done = project.mcci("release", "resolve", COMMIT, "--verify", "--key", str(public))
    assert (done.code, f"it is of {manifest.digest}" in done.err) == (1, True)
    altered(hub, image, old=manifest.digest, new=evil.digest)
    done = project.mcci("release", "resolve", COMMIT, "--verify", "--key", str(public))
    assert (done.code, "it is not by this key, or was altered" in done.err) == (1, True)


def test_signed_once(project: Project, candidates: Registry) -> None:
    """Signed again by the same key the signature stays; another key's is put beside it."""
    manifest = images.push(candidates, project.built("cart"), LAYERS)
    made = build(project, "cart", manifest)
    tagged = made.image.at(cosign.tag(manifest.digest))
    attach(candidates, made, SIGNER)
    first = candidates.get_manifest(tagged)
    attach(candidates, made, SIGNER)
    assert candidates.get_manifest(tagged).raw == first.raw
    attach(candidates, made, Signer(ec.generate_private_key(ec.SECP256R1())))
    assert candidates.get_manifest(tagged).layers[:1] == first.layers
    assert len(candidates.get_manifest(tagged).layers) == 2


def test_openssl_agrees(project: Project, candidates: Registry, tmp_path: Path, public: Path) -> None:
    """openssl, as cosign's specification has it, finds the signature to be of the payload."""
    manifest = images.push(candidates, project.built("cart"), LAYERS)
    made = build(project, "cart", manifest)
    attach(candidates, made, SIGNER)
    signature = candidates.get_manifest(made.image.at(cosign.tag(manifest.digest)))
    (layer,) = signature.layers
    (tmp_path / "payload").write_bytes(candidates.blob(made.image, layer))
    (tmp_path / "signature").write_bytes(base64.b64decode(layer.annotations[cosign.ANNOTATION]))
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", str(public), "-signature", "signature", "payload"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "Verified OK\n"


@pytest.mark.parametrize(
    ("given", "words"), [("", "--verify needs the public key"), ("/nowhere/cosign.pub", "no such file")]
)
def test_no_public_key(project: Project, given: str, words: str) -> None:
    """Without a key that can be read nothing is resolved."""
    done = project.mcci("release", "resolve", COMMIT, "--verify", COSIGN_PUBLIC_KEY=given)
    assert done.code == 2
    assert words in done.err


def test_private_for_public(project: Project, tmp_path: Path) -> None:
    """A file that holds no public key is named, and nothing of it shown."""
    kept = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    (tmp_path / "key").write_text(kept)
    done = project.mcci("release", "resolve", COMMIT, "--verify", "--key", str(tmp_path / "key"))
    assert done.code == 2
    assert "no PEM public key" in done.err
    assert kept.splitlines()[1] not in done.err
