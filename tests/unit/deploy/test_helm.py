"""What helm says and keeps: its words as errors, its Secrets as releases."""

from __future__ import annotations

import base64

import pytest

from mcci.clients.helm import failures, storage
from mcci.clients.helm.binary import clean
from mcci.clients.helm.failures import failure
from mcci.errors import ExitCode, McciError
from tests.unit.deploy.fake_helm import stored

BODY = {
    "name": "web",
    "version": 3,
    "info": {"status": "pending-upgrade", "description": "d"},
    "config": {"app": "web"},
    "manifest": "kind: Pod",
    "chart": {
        "metadata": {"name": "microservice", "apiVersion": "v2"},
        "values": {"a": 1},
        "schema": base64.b64encode(b"{}").decode(),
        "templates": [{"name": "templates/a.yaml", "data": base64.b64encode(b"x: 1").decode()}],
        "files": [],
    },
}


def test_release() -> None:
    """A release is read as Helm keeps it, and its chart comes out as files."""
    found = storage.read(stored(BODY, "fleet", "pending-upgrade"))
    assert (found.name, found.revision, found.status, found.chart_name) == ("web", 3, "pending-upgrade", "microservice")
    assert found.config == {"app": "web"}
    assert storage.chart_files(found) == {
        "Chart.yaml": b'{"name": "microservice", "apiVersion": "v2"}',
        "values.yaml": b'{"a": 1}',
        "values.schema.json": b"{}",
        "templates/a.yaml": b"x: 1",
    }


def test_marked_failed() -> None:
    """A pending release marked as failed is one in Helm's own form, its label included; nothing else changes."""
    before = stored(BODY, "fleet", "pending-upgrade")
    after = storage.marked_failed(before)
    assert after["metadata"]["labels"]["status"] == "failed"
    assert before["metadata"]["labels"]["status"] == "pending-upgrade"
    found = storage.read(after)
    assert found.status == "failed"
    assert (found.revision, found.config, found.manifest) == (3, {"app": "web"}, "kind: Pod")


@pytest.mark.parametrize("data", ["", "bm8=", base64.b64encode(b"!!").decode()])
def test_damaged_release(data: str) -> None:
    """A Secret that holds no release is told by its name."""
    with pytest.raises(McciError, match="the Secret s does not hold a release"):
        storage.read({"metadata": {"name": "s"}, "data": {"release": data}})


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        (
            "Error: UPGRADE FAILED: execution error at (m/templates/checks.yaml:4:3): no",
            failures.ChartRefused,
            2,
        ),
        ("Error: values don't meet the specifications of the schema(s)", failures.ChartRefused, 2),
        ("Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress", failures.ReleaseBusy, 1),
        ("Error: Kubernetes cluster unreachable: dial tcp: connection refused", failures.HelmUnreachable, 3),
        ("Error: UPGRADE FAILED: conflict occurred", failures.HelmFailed, 1),
        ("", failures.HelmFailed, 1),
    ],
)
def test_failures(said: str, kind: type[McciError], code: int) -> None:
    """Helm's words become an error of their kind, with its exit code, and without Helm's own prefixes."""
    found = failure("web", f"WARNING: something\ncoalesce.go:1: warning\n{said}\n")
    assert type(found) is kind
    assert found.exit_code is ExitCode(code)
    assert str(found).startswith("web: ")
    assert "UPGRADE FAILED" not in str(found)
    assert "WARNING" not in str(found)


def test_environment() -> None:
    """Helm's own variables do not reach it: what it works on is said with each call."""
    assert clean({"HELM_NAMESPACE": "x", "HELM_DRIVER": "sql", "PATH": "/bin"}) == {"PATH": "/bin"}
