"""Packages told from files, statements, payloads and keys."""

from __future__ import annotations

import base64
import json
import re

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from hypothesis import given
from hypothesis import strategies as st

from mcci.clients.registry.manifests import Descriptor
from mcci.clients.registry.reference import parse
from mcci.clients.signing import Signer, load_signer, load_verifier
from mcci.delivery.supply_chain import cosign, dsse, job, packages, provenance
from mcci.delivery.supply_chain.packages import FILES
from mcci.errors import UsageError

DIGEST = "sha256:" + "a" * 64
NAME = "docker.io/shop/cart"
KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = Signer(KEY)

ALPINE = "P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\nF:lib\nR:ld-musl.so\n\nP:zlib\nV:1.3.1-r2\nA:x86_64\nL:Zlib\n\n"
DEBIAN = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u1
Description: GNU C Library
 with a second line

Package: gone
Status: deinstall ok config-files
Version: 1
"""


def purls(**files: str) -> list[str]:
    return [each.purl for each in packages.find({path: text.encode() for path, text in files.items()})]


def test_debian() -> None:
    """Debian's installed packages are told, those that were removed are not."""
    found = purls(**{"var/lib/dpkg/status": DEBIAN, "etc/os-release": 'ID=debian\nVERSION_ID="12"\n'})
    assert found == ["pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12"]


def test_distroless() -> None:
    """A package in its own file, as distroless images have it, is told without a status."""
    assert purls(**{"var/lib/dpkg/status.d/base": "Package: base-files\nVersion: 12\n"}) == [
        "pkg:deb/debian/base-files@12"
    ]


def test_alpine() -> None:
    """Alpine's packages are told with their licences."""
    found = packages.find({"lib/apk/db/installed": ALPINE.encode()})
    assert [(each.purl, each.licence) for each in found] == [
        ("pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64", "MIT"),
        ("pkg:apk/alpine/zlib@1.3.1-r2?arch=x86_64", "Zlib"),
    ]


def test_python_and_node() -> None:
    """Python's names are normalized, Node's scopes are namespaces; what is damaged is passed over."""
    found = purls(
        **{
            "a/My_Pack.age-1.dist-info/METADATA": "Name: My_Pack.age\nVersion: 1.0\n\nName: no\n",
            "b/node_modules/@scope/x/package.json": '{"name": "@scope/x", "version": "1.0.0"}',
            "b/node_modules/y/package.json": '{"name": 7}',
            "b/node_modules/z/package.json": "{",
        }
    )
    assert found == ["pkg:npm/%40scope/x@1.0.0", "pkg:pypi/my-pack-age@1.0"]


TOLD = ["var/lib/dpkg/status", "lib/apk/db/installed", "a/x.dist-info/METADATA", "node_modules/a/package.json"]


@given(st.dictionaries(st.sampled_from([*TOLD, "etc/os-release"]), st.binary(max_size=300)))
def test_any_files(files: dict[str, bytes]) -> None:
    """Whatever stands in those files, packages are found or not, and every one has a package URL."""
    assert all(re.match(r"pkg:\w+/.+@.+", each.purl) for each in packages.find(files))


@pytest.mark.parametrize(
    ("path", "expected"),
    [("var/lib/dpkg/status", True), ("usr/lib/python3/x-1.dist-info/METADATA", True), ("app/METADATA", False),
     ("app/node_modules/x/package.json", True), ("app/node_modules/x/lib/package.json", False)],
)  # fmt: skip
def test_files(path: str, expected: bool) -> None:
    """Only the files that packages are told from are kept."""
    assert bool(FILES.fullmatch(path)) is expected


def test_payload() -> None:
    """The payload is what cosign's specification shows."""
    assert json.loads(cosign.payload(NAME, DIGEST)) == {
        "critical": {
            "identity": {"docker-reference": NAME},
            "image": {"docker-manifest-digest": DIGEST},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    assert cosign.tag(DIGEST) == "sha256-" + "a" * 64 + ".sig"


def layer(data: bytes, signature: bytes) -> Descriptor:
    notes = {cosign.ANNOTATION: base64.b64encode(signature).decode()}
    return Descriptor(media_type=cosign.PAYLOAD_TYPE, digest=DIGEST, size=len(data), annotations=notes)


@given(st.binary(max_size=200), st.binary(max_size=80))
def test_any_signature(data: bytes, signature: bytes) -> None:
    """No payload and no signature but the key's own is ever good, and none raises."""
    assert cosign.fault(layer(data, signature), data, NAME, DIGEST, SIGNER.verifier) != ""


def test_own_signature() -> None:
    """The key's own signature is good, for that name and digest alone."""
    data = cosign.payload(NAME, DIGEST)
    own = layer(data, SIGNER.sign(data))
    assert cosign.fault(own, data, NAME, DIGEST, SIGNER.verifier) == ""
    assert cosign.fault(own, data, NAME + "2", DIGEST, SIGNER.verifier) != ""
    assert cosign.fault(own, data, NAME, DIGEST.replace("a", "b"), SIGNER.verifier) != ""


def test_encoding() -> None:
    """The pre-authentication encoding is the protocol's own example."""
    assert dsse.encode("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_envelope() -> None:
    """An envelope opens with the key that signed it, and with no other; altered, it does not open."""
    sealed = dsse.envelope(dsse.statement(NAME, DIGEST, "x", {"a": 1}), SIGNER)
    found = dsse.opened(sealed, SIGNER.verifier)
    assert found
    assert found["subject"] == [{"name": NAME, "digest": {"sha256": "a" * 64}}]
    assert dsse.opened(sealed, Signer(ec.generate_private_key(ec.SECP256R1())).verifier) is None
    body = json.loads(sealed)
    body["payload"] = base64.b64encode(base64.b64decode(body["payload"]).replace(b'"a":1', b'"a":2')).decode()
    assert dsse.opened(json.dumps(body).encode(), SIGNER.verifier) is None
    assert dsse.opened(b"[]", SIGNER.verifier) is None


def test_provenance() -> None:
    """The provenance names the commit and the base images by digest, and who built."""
    made = provenance.Build(
        service="cart", image=parse(f"r.io/a@{DIGEST}"), identity=parse(NAME), content_tag="c", commit="c0ffee",
        bases={"docker.io/library/python:3": DIGEST},
        **job.facts({"CI_SERVER_URL": "https://g", "CI_RUNNER_ID": "7", "CI_PROJECT_URL": "https://g/p"}),
    )  # fmt: skip
    found = provenance.predicate(made)
    assert found["buildDefinition"]["resolvedDependencies"] == [
        {"uri": "git+https://g/p", "digest": {"gitCommit": "c0ffee"}},
        {"uri": "docker://docker.io/library/python:3", "digest": {"sha256": "a" * 64}},
    ]
    assert found["runDetails"]["builder"]["id"] == "https://g/-/runners/7"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, False), ({"GITLAB_CI": "true"}, True), ({"COSIGN_PRIVATE_KEY": "x"}, True),
     ({"GITLAB_CI": "true", "CI_MERGE_REQUEST_ID": "1"}, False)],
)  # fmt: skip
def test_is_wanted(environment: dict[str, str], expected: bool) -> None:
    """What may be released is attested; at a terminal only with a key."""
    assert job.is_wanted(environment) is expected


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, password: str = "") -> str:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


def cosign_key(password: str) -> str:
    """Return KEY as `cosign generate-key-pair` encrypts it."""
    from nacl.secret import SecretBox

    der = KEY.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    salt, nonce = b"s" * 32, b"n" * 24
    secret = Scrypt(salt=salt, length=32, n=1024, r=8, p=1).derive(password.encode())
    body = {
        "kdf": {"name": "scrypt", "params": {"N": 1024, "r": 8, "p": 1}, "salt": base64.b64encode(salt).decode()},
        "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(nonce).decode()},
        "ciphertext": base64.b64encode(SecretBox(secret).encrypt(der, nonce).ciphertext).decode(),
    }
    label = "ENCRYPTED SIGSTORE PRIVATE KEY"
    text = base64.encodebytes(json.dumps(body).encode()).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"


@pytest.mark.parametrize(
    ("text", "password"),
    [
        (pem(KEY), ""),
        (pem(KEY, "pass"), "pass"),
        (cosign_key("pass"), "pass"),
        (pem(rsa.generate_private_key(65537, 2048)), ""),
        (pem(ed25519.Ed25519PrivateKey.generate()), ""),
    ],
    ids=["pem", "encrypted", "cosign", "rsa", "ed25519"],
)
def test_keys(text: str, password: str) -> None:
    """Each form of key signs, and its public half, written and read, verifies."""
    signer = load_signer(text, password, "$KEY")
    verifier = load_verifier(signer.verifier.pem, "cosign.pub")
    assert verifier.accepts(b"data", signer.sign(b"data"))
    assert not verifier.accepts(b"other", signer.sign(b"data"))


@pytest.mark.parametrize(
    ("text", "password"),
    [("", ""), ("nonsense", ""), (pem(KEY, "pass"), "wrong"), (pem(KEY, "pass"), ""), (cosign_key("pass"), "wrong")],
    ids=["empty", "nonsense", "wrong", "none", "cosign-wrong"],
)
def test_unusable_keys(text: str, password: str) -> None:
    """A key that cannot be used is refused by where it stands, with nothing of it or of the password."""
    with pytest.raises(UsageError, match=r"\$KEY") as caught:
        load_signer(text, password, "$KEY")
    assert not text or text not in str(caught.value)
    assert "wrong" not in str(caught.value).replace("is wrong", "")
