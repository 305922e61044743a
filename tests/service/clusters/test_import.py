"""`mcci clusters import` without Rancher, as a person runs it: checked, narrowed, written where it is looked for."""

from __future__ import annotations

import json
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.service.clusters.project import Project, made_by_kubeadm, project
from tests.tools.helm import HelmMissingError, kubectl
from tests.tools.lab import lab_clusters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.tools.lab import LabCluster

CLUSTERS = """\
clusters:
  prod-aws: {cloud: aws, pod_cidr: 10.42.0.0/16, service_cidr: 10.96.0.0/12}
  prod-azure: {cloud: azure, pod_cidr: 10.44.0.0/16}
environments:
  production: {clusters: [prod-aws]}
  other: {clusters: [prod-azure]}
"""


@pytest.fixture(scope="module")
def clusters() -> Iterator[Mapping[str, LabCluster]]:
    """Two clusters."""
    with lab_clusters(["prod-aws", "prod-azure"], controllers=False) as found:
        yield found


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """A project that has access to neither."""
    return project(tmp_path, CLUSTERS)


def test_at_a_terminal(shop: Project, clusters: Mapping[str, LabCluster]) -> None:
    """An import becomes a context of one's own kubeconfig, and every other command finds the cluster by it."""
    file = str(clusters["prod-aws"].kubeconfig_file)
    own = shop.home / ".kube" / "config"
    planned = shop.run("clusters", "import", "prod-aws", "--kubeconfig", file, "--dry-run")
    assert (planned.code, own.exists()) == (0, False)
    assert f"would write the kubeconfig of prod-aws to {own}, among your other contexts" in planned.out
    done = shop.run("clusters", "import", "prod-aws", "--kubeconfig", file)
    assert done.code == 0, done
    assert "done write the kubeconfig" in done.out
    assert "prod-aws answers at https://127.0.0.1:" in done.out
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    before = own.read_bytes()
    again = shop.run("clusters", "import", "prod-aws", "--kubeconfig", file, "--format", "json")
    document = json.loads(again.out)
    assert (document["schema"], document["steps"]) == ("mcci.clusters-import/1", [])
    assert own.read_bytes() == before
    status = json.loads(shop.run("clusters", "status", "--environment", "production", "--format", "json").out)
    assert status["clusters"][0]["reachable"] is True


def test_for_jobs(shop: Project, clusters: Mapping[str, LabCluster], tmp_path: Path) -> None:
    """A file of its own is the value of the CI/CD variable; where that variable names a file, it is written there."""
    file = str(clusters["prod-aws"].kubeconfig_file)
    out = tmp_path / "keys" / "aws.yaml"
    done = shop.run("clusters", "import", "prod-aws", "--kubeconfig", file, "--output", str(out))
    assert done.code == 0, done
    assert (
        f"for jobs, {out} is the value of the CI/CD variable KUBECONFIG_PROD_AWS: type File, protected, environment "
        "production/prod-aws"
    ) in done.out
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    shop.become("prod-aws", str(tmp_path / "variable"))
    assert shop.run("clusters", "import", "prod-aws", "--kubeconfig", str(out)).code == 0
    assert (tmp_path / "variable").read_text() == out.read_text()
    assert not (shop.home / ".kube").exists()


def test_kubectl(shop: Project, clusters: Mapping[str, LabCluster], tmp_path: Path) -> None:
    """The real kubectl reaches each cluster by the context of its name, and by a file of its own."""
    try:
        program = str(kubectl())
    except HelmMissingError as error:
        pytest.skip(str(error))
    out = tmp_path / "aws"
    for name, arguments in (("prod-azure", []), ("prod-aws", []), ("prod-aws", ["--output", str(out)])):
        file = str(clusters[name].kubeconfig_file)
        assert shop.run("clusters", "import", name, "--kubeconfig", file, *arguments).code == 0
    own = str(shop.home / ".kube" / "config")
    for name, arguments in (
        ("prod-azure", ["--kubeconfig", own]),  # the first is the current one
        ("prod-aws", ["--kubeconfig", own, "--context", "prod-aws"]),
        ("prod-aws", ["--kubeconfig", str(out)]),
    ):
        clusters[name].requests.clear()
        done = subprocess.run(
            [program, *arguments, "get", "namespaces", "--output", "name"], capture_output=True, text=True,
            timeout=60, env=shop.environment,
        )  # fmt: skip
        assert "namespace/kube-system" in done.stdout, done.stderr
        assert clusters[name].requests.total > 0


def test_at_once(shop: Project, clusters: Mapping[str, LabCluster]) -> None:
    """Two imports at the same moment both end up in one's own kubeconfig."""
    running = [
        shop.start("clusters", "import", name, "--kubeconfig", str(each.kubeconfig_file))
        for name, each in clusters.items()
    ]
    for process in running:
        with process:
            out, said = process.communicate(timeout=60)
            assert process.returncode == 0, out + said
    own = yaml.safe_load((shop.home / ".kube" / "config").read_text())
    assert {each["name"] for each in own["contexts"]} == set(clusters)
    assert [each.name for each in (shop.home / ".kube").iterdir()] == ["config"]


def test_another_server(shop: Project, clusters: Mapping[str, LabCluster]) -> None:
    """A context of the name that is another cluster's is not overwritten unasked."""
    for name in ("prod-azure", "prod-aws"):
        file = clusters[name].kubeconfig_file
        text = file.read_text().replace("prod-azure", "prod-aws")
        (shop.home / "given").write_text(text)
        done = shop.run("clusters", "import", "prod-aws", "--kubeconfig", str(shop.home / "given"))
    assert done.code == 2
    assert f"has 'prod-aws' already, for {clusters['prod-azure'].url}" in done.said
    done = shop.run("clusters", "import", "prod-aws", "--kubeconfig", str(shop.home / "given"), "--replace")
    assert done.code == 0
    assert clusters["prod-aws"].url in (shop.home / ".kube" / "config").read_text()


def test_overlap(shop: Project, clusters: Mapping[str, LabCluster]) -> None:
    """A cluster whose ranges are another's of its environment is refused, and nothing is written."""
    one, *_ = CLUSTERS.split("environments:")
    shop.configure(f"{one}environments: {{production: {{clusters: [prod-aws, prod-azure]}}}}\n")
    file = str(clusters["prod-azure"].kubeconfig_file)
    made_by_kubeadm(clusters["prod-azure"], "10.44.0.0/16", "10.96.0.0/12")
    for arguments in ([], ["--dry-run"]):
        done = shop.run("clusters", "import", "prod-azure", "--kubeconfig", file, *arguments)
        assert (done.code, done.out) == (1, "")
        assert "the Services of prod-aws (10.96.0.0/12) overlap the Services of prod-azure (10.96.0.0/12)" in done.said
    assert not (shop.home / ".kube").exists()


def test_not_committed(shop: Project, clusters: Mapping[str, LabCluster]) -> None:
    """A kubeconfig is not written where git would commit it; where it is ignored, it is."""
    subprocess.run(["git", "init", "--quiet"], cwd=shop.folder, check=True)
    arguments = ("clusters", "import", "prod-aws", "--kubeconfig", str(clusters["prod-aws"].kubeconfig_file))
    done = shop.run(*arguments, "--output", "aws.kubeconfig")
    assert done.code == 2
    assert "aws.kubeconfig would be committed, and it holds a secret" in done.said
    (shop.folder / ".gitignore").write_text("*.kubeconfig\n")
    assert shop.run(*arguments, "--output", "aws.kubeconfig").code == 0
    assert (shop.folder / "aws.kubeconfig").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give '--kubeconfig FILE'"),
        (["--kubeconfig", "gone"], "there is no such file"),
        (["--through-rancher", "--kubeconfig", "x"], "needs 'rancher: {url"),
        (["--output", "x"], "give '--kubeconfig FILE'"),
    ],
)
def test_usage(shop: Project, arguments: list[str], says: str) -> None:
    """What lacks is said, with exit code 2."""
    done = shop.run("clusters", "import", "prod-aws", *arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.said


def test_bad_access(shop: Project, clusters: Mapping[str, LabCluster]) -> None:
    """A name that is none, a cluster that does not take the credentials, one that is away: nothing is written."""
    given = shop.home / "given"
    document = yaml.safe_load(clusters["prod-aws"].kubeconfig_file.read_text())
    given.write_text(yaml.safe_dump(document))
    done = shop.run("clusters", "import", "prod-gcp", "--kubeconfig", str(given))
    assert (done.code, "no cluster 'prod-gcp'. It has prod-aws, prod-azure" in done.said) == (2, True)
    document["users"][0]["user"]["token"] = "secret-of-nobody"
    given.write_text(yaml.safe_dump(document))
    done = shop.run("clusters", "import", "prod-aws", "--kubeconfig", str(given))
    assert (done.code, "does not take the credentials (401)" in done.said) == (2, True)
    assert "secret-of-nobody" not in done.said + done.out
    assert not (shop.home / ".kube").exists()
