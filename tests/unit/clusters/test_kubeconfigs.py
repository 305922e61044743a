"""A cluster's kubeconfig stands alone, goes where `clusters:` looks for it, and takes nothing from other contexts."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcci.clients import private_files
from mcci.clients.kubernetes import kubeconfig as reader
from mcci.clusters import importing, kubeconfigs, sources
from mcci.clusters.kubeconfigs import Place
from mcci.errors import UsageError
from tests.unit.clusters.configs import cluster, file, kubeconfig, oidc

PEM = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"


def document(server: str = "https://a.example", token: str = "t") -> dict[str, Any]:
    """Return a kubeconfig that stands alone, for prod-aws."""
    text = kubeconfig("ctx", user={"token": token}).replace("https://ctx.example", server)
    return kubeconfigs.alone(reader.select(reader.parse(text, "f"), "", "f", Path("/")), cluster(), "f")


def test_alone(tmp_path: Path) -> None:
    """Certificates, keys and tokens that are in files come to stand in the kubeconfig; names are the cluster's."""
    for name, text in (("ca.pem", PEM), ("token", "secret\n")):
        file(tmp_path, text, name)
    user = {"tokenFile": "token", "client-certificate": "ca.pem", "client-key": "ca.pem"}
    path = file(tmp_path, kubeconfig("other", "ctx", user=user, authority="ca.pem"))
    found = importing.given(cluster(), path, "ctx")
    inline = base64.b64encode(PEM.encode()).decode()
    assert found == {
        "apiVersion": "v1", "kind": "Config", "current-context": "prod-aws",
        "clusters": [
            {"name": "prod-aws", "cluster": {"server": "https://ctx.example", "certificate-authority-data": inline}}
        ],
        "users": [
            {"name": "prod-aws",
             "user": {"client-certificate-data": inline, "client-key-data": inline, "token": "secret"}}
        ],
        "contexts": [{"name": "prod-aws", "context": {"cluster": "prod-aws", "user": "prod-aws"}}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "context", "says"),
    [
        (kubeconfig("a", insecure=True), "", "insecure-skip-tls-verify"),
        (kubeconfig("a").replace("https://", "http://"), "", "not reached over TLS"),
        (kubeconfig("a", user={"exec": {"command": "sh", "args": ["-c", "id"]}}), "", "wants to run 'sh -c id'"),
        (kubeconfig("a"), "b", "has no 'b' among its contexts"),
        (kubeconfig("a", authority="gone.pem"), "", "gone.pem, cannot be read"),
        (kubeconfig("a", user={"tokenFile": "gone"}), "", "gone, cannot be read"),
        ("a: [", "", "not YAML"),
        ("[]", "", "has no 'clusters'"),
        ("\x00", "", "not YAML"),
    ],
)
def test_unsafe(tmp_path: Path, text: str, context: str, says: str) -> None:
    """What no job could use, or use safely, is not brought in."""
    with pytest.raises(UsageError, match=says):
        importing.given(cluster(), file(tmp_path, text), context)


def test_places(tmp_path: Path) -> None:
    """The variable's file, else one's own kubeconfig; a file of its own where one is asked for."""
    home = {"HOME": str(tmp_path)}
    assert kubeconfigs.place(cluster(), home, None) == Place(path=tmp_path / ".kube" / "config", shared=True)
    assert kubeconfigs.place(cluster(), {**home, "KUBECONFIG": "/a:/b"}, None) == Place(path=Path("/a"), shared=True)
    named = {**home, "KUBECONFIG_PROD_AWS": "/k/aws", "CI": "true"}
    assert kubeconfigs.place(cluster(), named, None) == Place(path=Path("/k/aws"), shared=False)
    assert kubeconfigs.place(cluster(), named, Path("/o")) == Place(path=Path("/o"), shared=False)


@pytest.mark.parametrize(
    ("environment", "more", "says"),
    [
        ({"CI": "true"}, {}, "a job has no kubeconfig of its own"),
        ({"KUBECONFIG_PROD_AWS": kubeconfig()}, {}, "holds a kubeconfig itself"),
        ({}, {"agent": "a/b:c"}, "reached by GitLab's agent"),
        ({}, {"oidc": oidc()}, "reached by OIDC"),
        ({}, {"in_cluster": True}, "its jobs' own service account"),
    ],
)
def test_no_place(environment: dict[str, str], more: dict[str, Any], says: str) -> None:
    """Where there is no place that lasts, it is said, and what to do."""
    with pytest.raises(UsageError, match=f"{says}.*--output FILE"):
        kubeconfigs.place(cluster(**more), environment, None)


def test_among_others(tmp_path: Path) -> None:
    """In one's own kubeconfig the other contexts, the current one, and entries of the same name stay as they are."""
    path = file(tmp_path, kubeconfig("home", "prod-aws", current="home"))
    before = yaml.safe_load(path.read_text())
    where = Place(path=path, shared=True)
    with pytest.raises(
        UsageError, match=r"has 'prod-aws' already, for https://prod-aws.example, and this is https://a"
    ):
        importing.write(document(), where, replace=False)
    assert yaml.safe_load(path.read_text()) == before
    assert importing.write(document(), where, replace=True) is True
    after = yaml.safe_load(path.read_text())
    assert after["current-context"] == "home"
    assert after["clusters"][:2] == before["clusters"]
    assert after["users"][:2] == before["users"]
    assert [each["name"] for each in after["contexts"]] == ["home", "prod-aws"]
    found, source = sources.find(cluster(), {"KUBECONFIG": str(path)})
    assert reader.read(found, source).server == "https://a.example"
    assert importing.write(document(), where, replace=False) is False
    assert importing.write(document(token="new"), where, replace=False) is True
    assert len(yaml.safe_load(path.read_text())["users"]) == 3


def test_first(tmp_path: Path) -> None:
    """Where there is no kubeconfig yet it is made, for its owner alone, and is found; a second time nothing changes."""
    where = Place(path=tmp_path / ".kube" / "config", shared=True)
    assert importing.write(document(), where, replace=False) is True
    assert stat.S_IMODE(where.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(where.path.parent.stat().st_mode) == 0o700
    assert importing.write(document(), where, replace=False) is False
    assert sources.find(cluster(), {"HOME": str(tmp_path)})[0]["users"][0]["user"] == {"token": "t"}
    assert [each.name for each in where.path.parent.iterdir()] == ["config"]


def test_own_file(tmp_path: Path) -> None:
    """A file of its own holds the one cluster; one that others may read becomes private; another server is kept."""
    where = Place(path=tmp_path / "aws", shared=False)
    assert importing.write(document(), where, replace=False) is True
    assert yaml.safe_load(where.path.read_text()) == document()
    where.path.chmod(0o644)
    assert importing.write(document(), where, replace=False) is True
    assert stat.S_IMODE(where.path.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="'--replace'"):
        importing.write(document("https://b.example"), where, replace=False)
    assert importing.existing(where, "prod-aws") == document()
    where.path.write_text("rubbish: [")
    with pytest.raises(UsageError, match="not YAML"):
        importing.write(document(), where, replace=True)
    assert importing.existing(where, "prod-aws") is None


def test_links_and_locks(tmp_path: Path) -> None:
    """A link's file is written, not the link; while somebody else writes, nothing is."""
    target = file(tmp_path, "", "target")
    link = tmp_path / "config"
    link.symlink_to(target)
    where = Place(path=link, shared=True)
    importing.write(document(), where, replace=False)
    assert link.is_symlink()
    assert "prod-aws" in target.read_text()
    (tmp_path / "target.lock").touch()
    with pytest.raises(UsageError, match="somebody writes config"), private_files.locked(link, patience=0):
        pytest.fail("it is locked")
    assert (tmp_path / "target.lock").exists(), "the other's lock stays"


def test_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails at its last moment leaves what was there, and nothing beside it."""
    path = file(tmp_path, "before")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mcci.clients.private_files.os.replace", fail)
    with pytest.raises(UsageError, match="cannot be written: no space left on device"):
        private_files.write(path, "after")
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["config"]


def test_unwritable(tmp_path: Path) -> None:
    """A place that cannot be read or written is an error that names it."""
    with pytest.raises(UsageError, match="cannot be written"):
        private_files.write(file(tmp_path, "") / "below", "x")
    with pytest.raises(UsageError, match="cannot be read"):
        private_files.read(tmp_path)
