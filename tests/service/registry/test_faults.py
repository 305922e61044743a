"""Copies through a proxy that fails: between two real registries, with the client that `mcci push` uses."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from mcci.clients.registry import blobs
from mcci.clients.registry.errors import Mismatch, NotThere, RegistryFailed
from mcci.clients.registry.reference import parse
from mcci.delivery.push.copy import copy
from tests.service.registry import faults, images, servers
from tests.service.registry.faults import Fault
from tests.service.registry.project import client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcci.clients.registry.client import Registry
    from mcci.clients.registry.manifests import Manifest
    from mcci.clients.registry.reference import Reference
    from mcci.delivery.push.copy import Copied
    from tests.service.registry.faults import Proxy

BLOB, UPLOAD = r"/blobs/sha256:", r"/blobs/uploads/"
DATA = os.urandom(3_000_000)


class Route:
    """An image in one registry, the way to another, and a proxy before each."""

    def __init__(self, source: Proxy, target: Proxy, open_source: Registry, open_target: Registry) -> None:
        self.source, self.target = source, target
        self.open_source, self.open_target = open_source, open_target
        self.log: list[str] = []
        self.layer = images.layer({"data": DATA})
        self.manifest: Manifest = images.push(open_source, self.at(source), [self.layer])
        self.source.requests.clear()

    @staticmethod
    def at(proxy: Proxy) -> Reference:
        return parse(f"{proxy.host}/shop/cart")

    def copy(self) -> Copied:
        image = self.at(self.source).at(self.manifest.digest)
        return copy(self.open_source, image, self.open_target, self.at(self.target))

    def assert_arrived(self) -> None:
        target = self.at(self.target)
        assert self.open_target.get_manifest(target.at(self.manifest.digest)).raw == self.manifest.raw
        assert b"".join(self.open_target.read_blob(target, self.manifest.layers[0])) == self.layer


@pytest.fixture
def route(tmp_path: Path) -> Iterator[Route]:
    with (
        servers.running(tmp_path / "from", user=True) as one,
        servers.running(tmp_path / "to", user=True) as two,
        faults.before(one) as source,
        faults.before(two) as target,
        client(one, host=source.host) as open_source,
        client(two, host=target.host) as open_target,
    ):
        yield Route(source, target, open_source, open_target)


def test_busy(route: Route) -> None:
    """After a 429 nothing is asked before the time that `Retry-After` tells."""
    route.target.faults = [Fault(method="POST", path=UPLOAD, status=429, headers={"Retry-After": "1"})]
    start = time.monotonic()
    route.copy()
    assert 1.0 <= time.monotonic() - start < 10
    route.assert_arrived()


def test_asked_for_too_much(route: Route) -> None:
    """A `Retry-After` beyond all patience ends the copy at once, saying how long the registry wants."""
    route.target.faults = [Fault(method="POST", path=UPLOAD, times=9, status=429, headers={"Retry-After": "3600"})]
    start = time.monotonic()
    with pytest.raises(RegistryFailed, match="left alone for 3600 s"):
        route.copy()
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
@pytest.mark.parametrize(
    ("side", "method", "path"),
    [
        ("source", "GET", "/manifests/"),
        ("source", "GET", BLOB),
        ("target", "POST", UPLOAD),
        ("target", "PATCH", UPLOAD),
        ("target", "PUT", UPLOAD),
        ("target", "PUT", "/manifests/"),
    ],
)
def test_passing_error(route: Route, side: str, method: str, path: str, status: int) -> None:
    """An error that passes is asked past, wherever it befalls the copy."""
    proxy: Proxy = getattr(route, side)
    fault = Fault(method=method, path=path, times=2, status=status)
    proxy.faults = [fault]
    route.copy()
    assert fault.times == 0
    route.assert_arrived()


def test_lasting_error(route: Route) -> None:
    """An error that stays ends the copy with the registry's name and the number of attempts; nothing is tagged."""
    route.target.faults = [Fault(method="POST", path=UPLOAD, times=99, status=500)]
    with pytest.raises(RegistryFailed, match=rf"{route.target.host} failed .* 4 times: it answered 500"):
        route.copy()
    assert route.target.count("PUT", "/manifests/") == 0


def test_read_cut(route: Route) -> None:
    """A blob whose reading breaks off is read on from there, not from its beginning."""
    route.source.faults = [Fault(method="GET", path=route.manifest.layers[0].digest, cut_response=1_000_000)]
    route.copy()
    route.assert_arrived()
    assert route.source.count("GET", route.manifest.layers[0].digest) == 2
    assert route.target.count("PATCH", UPLOAD) == 2  # one for each blob: the upload noticed nothing


def test_write_cut(route: Route) -> None:
    """An upload that breaks off in the middle of a part is taken up again."""
    route.target.faults = [Fault(method="PATCH", path=UPLOAD, cut_request=1_000_000)]
    route.copy()
    route.assert_arrived()


def test_upload_resumed(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload goes on after the parts that the registry has: they are not sent again."""
    monkeypatch.setattr(blobs, "PART", 1_000_000)
    route.target.faults = [Fault(method="PATCH", path=UPLOAD, skip=2, status=503)]
    route.target.received = 0
    route.copy()
    route.assert_arrived()
    sizes = sum(blob.size for blob in route.manifest.blobs) + len(route.manifest.raw)
    assert route.target.received == sizes
    assert route.target.count("GET", UPLOAD) == 1


def test_altered_blob(route: Route) -> None:
    """A blob that is not what its digest says is refused, and the registry is never told to keep it."""
    route.source.faults = [Fault(method="GET", path=route.manifest.layers[0].digest, times=9, corrupt=True)]
    with pytest.raises(Mismatch, match="it was altered"):
        route.copy()
    assert route.target.count("PUT", "/manifests/") == 0
    assert not any(route.manifest.layers[0].digest in path for method, path in route.target.requests if method == "PUT")


def test_altered_manifest(route: Route) -> None:
    """A manifest that is not what its digest says is refused."""
    route.source.faults = [Fault(method="GET", path="/manifests/", corrupt=True)]
    with pytest.raises(Mismatch, match="it was altered"):
        route.copy()


def test_hanging(route: Route) -> None:
    """A registry that says nothing any more is given up after its time, and asked again."""
    route.target.faults = [Fault(method="POST", path=UPLOAD, hang=True)]
    start = time.monotonic()
    route.copy()
    assert 2 <= time.monotonic() - start < 12
    route.assert_arrived()


def test_hanging_for_good(route: Route) -> None:
    """A registry that never answers is a service that failed."""
    route.source.faults = [Fault(method="GET", path="/manifests/", times=99, hang=True)]
    with pytest.raises(RegistryFailed, match="it says nothing any more"):
        route.copy()


def test_answer_lost(route: Route) -> None:
    """When only the answer to the last PUT of an upload is lost, the blob that is there is found to be there."""
    route.target.faults = [Fault(method="PUT", path=UPLOAD, cut_response=0)]
    route.copy()
    route.assert_arrived()


def test_gone_meanwhile(route: Route) -> None:
    """A blob that is deleted between test and push is named, with its repository."""
    route.source.faults = [Fault(method="GET", path=route.manifest.layers[0].digest, times=9, status=404)]
    with pytest.raises(NotThere, match=f"has no blob {route.manifest.layers[0].digest}"):
        route.copy()


def test_peer_agrees(route: Route, tmp_path: Path) -> None:
    """skopeo, which shares no code with mcci, copies the same image out and finds every digest right."""
    import subprocess

    route.copy()
    program = servers.need("skopeo", "skopeo")
    source = f"docker://{route.at(route.target).at(route.manifest.digest)}"
    done = subprocess.run(
        [program, "copy", "--src-tls-verify=false", f"--src-creds={servers.USER}:{servers.PASSWORD}", source,
         f"dir:{tmp_path / 'copy'}"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "copy" / "manifest.json").read_bytes() == route.manifest.raw
    assert (tmp_path / "copy" / route.manifest.layers[0].digest.removeprefix("sha256:")).read_bytes() == route.layer
