"""What registries say, read: challenges, limits, times to wait, manifests."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcci.clients.registry import challenges, limits, manifests
from mcci.clients.registry.challenges import Challenge
from mcci.clients.registry.errors import Mismatch, Refused
from mcci.clients.registry.manifests import Descriptor
from mcci.clients.registry.retry import Policy, retry_after
from mcci.clients.registry.transport import is_loopback

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Basic realm="tests"', Challenge(scheme="basic", realm="tests")),
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
            Challenge(
                scheme="bearer", realm="https://auth.docker.io/token", service="registry.docker.io",
                scope="repository:a/b:pull,push",
            ),
        ),
        ('bearer realm="a\\"b", error=invalid_token', Challenge(scheme="bearer", realm='a"b', error="invalid_token")),
        ("Negotiate", None),
        ("", None),
    ],
)  # fmt: skip
def test_challenge(header: str, expected: Challenge | None) -> None:
    """A challenge is read, commas in its scope and all; another scheme is none."""
    assert challenges.parse(header) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("7", 7.0),
        ("Mon, 23 Nov 2026 00:01:30 GMT", 90.0),
        ("Mon, 23 Nov 2026 00:01:30 -0000", 90.0),
        ("Sun, 22 Nov 2026 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after(value: str | None, expected: float | None) -> None:
    """`Retry-After` is seconds or a date; a date that has passed asks for nothing."""
    assert retry_after(value, datetime(2026, 11, 23, tzinfo=UTC)) == expected


@given(st.integers(1, 60), st.one_of(st.none(), st.floats(0, 300)))
def test_waits(attempt: int, asked: float | None) -> None:
    """A wait is never longer than the longest, never shorter than what was asked for."""
    policy = Policy()
    wait = policy.wait(attempt, asked)
    assert (0 <= wait <= policy.longest) if asked is None else (asked <= wait <= asked + 1)


def test_waits_grow() -> None:
    """Waits grow and differ: jobs that failed together do not come back together."""
    policy = Policy(first=1, longest=1000)
    early = [policy.wait(1) for _ in range(200)]
    late = [policy.wait(8) for _ in range(200)]
    assert len(set(early)) > 100
    assert max(early) <= 1 < max(late) <= 128


def test_limit() -> None:
    """Docker Hub's limit is read where both headers are there."""
    headers = {"ratelimit-limit": "10;w=3600", "ratelimit-remaining": "3;w=3600"}
    assert str(limits.parse(headers)) == "3 of 10 pulls in 1 h are left"
    assert limits.parse({"ratelimit-limit": "10"}) is None


def test_manifest() -> None:
    """A manifest is read, foreign layers set apart, and its bytes kept."""
    layers = [
        {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": DIGEST, "size": 1},
        {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "digest": DIGEST, "size": 2},
    ]
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGEST, "size": 3}
    raw = json.dumps({"mediaType": manifests.OCI_MANIFEST, "config": config, "layers": layers}, indent=3).encode()
    found = manifests.parse(raw, "", "it", manifests.digest_of(raw))
    assert [blob.size for blob in found.blobs] == [3, 1]
    assert found.raw == raw


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"text"', b"{}",
        b'{"mediaType": "application/vnd.docker.distribution.manifest.v1+json"}',
        b'{"mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [{"digest": "x", "size": 1}]}',
        b'{"mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": 7}',
        b'{"mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [{"size": 1}]}',
    ],
)  # fmt: skip
def test_no_manifest(body: bytes) -> None:
    """What is no manifest that can be copied is refused by name, never with a traceback."""
    with pytest.raises(Refused, match=r"registry\.example/a"):
        manifests.parse(body, "text/html", "registry.example/a")


def test_altered() -> None:
    """Bytes that do not fit the digest are not even read."""
    with pytest.raises(Mismatch):
        manifests.parse(b"{", "", "it", DIGEST)


@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    """Whatever a registry answers, it is a manifest or refused."""
    try:
        manifests.parse(raw, manifests.OCI_MANIFEST, "it")
    except Refused:
        return
    assert isinstance(json.loads(raw), dict)


def test_built() -> None:
    """A manifest that is built reads as what it was built from, and is the same each time."""
    part = Descriptor(media_type="text/plain", digest=DIGEST, size=1, annotations={"a": "b"})
    one, two = (manifests.build(config=part, layers=[part], artifact_type="x/y", subject=part) for _ in range(2))
    assert one == two
    assert (one.layers, one.artifact_type) == ((part,), "x/y")
    assert one.subject
    assert one.subject.annotations == {}


def test_referrers_tag() -> None:
    """The stand-in tag of referrers is a tag for any digest."""
    assert manifests.referrers_tag(DIGEST) == "sha256-" + "a" * 64
    assert manifests.referrers_tag("sha512:" + "b" * 128) == "sha512-" + "b" * 64


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("localhost:5000", True), ("127.0.0.9:1", True), ("[::1]:5000", True), ("10.0.0.1", False),
     ("localhost.example", False), ("127.example", False)],
)  # fmt: skip
def test_loopback(host: str, expected: bool) -> None:
    """Only this machine may be spoken to without TLS unasked."""
    assert is_loopback(host) is expected
