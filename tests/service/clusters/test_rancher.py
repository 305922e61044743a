"""`mcci clusters` with Rancher, against a FAKE of its calls (tests/tools/rancher.py): this is no real Rancher."""

from __future__ import annotations

import base64
import json
import re
import signal
import stat
import time
from typing import TYPE_CHECKING

import pytest
import yaml

from mcci.clients.kubernetes.api import DEPLOYMENT
from mcci.lab.clusters.access.users import service_account
from tests.service.clusters.project import Done, Project, api, project
from tests.tools.lab import lab_clusters
from tests.tools.rancher import FakeRancher, Fault, fake_rancher

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.tools.lab import LabCluster

KEY = "RANCHER_TOKEN"
CLUSTERS = """\
clusters:
  prod-aws: {cloud: aws, pod_cidr: 10.50.0.0/16}
  made: {rke2: {version: v1.34.5+rke2r1, credential: "cattle-global-data:cc-x", pools: {
    all: {machine_config: Amazonec2Config/all, quantity: 3}}}}
  custom: {rke2: {version: v1.34.5+rke2r1}}
environments:
  production: {clusters: [prod-aws]}
  stage: {clusters: [made]}
  review: {clusters: [custom]}
"""


@pytest.fixture(scope="module")
def backing() -> Iterator[LabCluster]:
    """What machines that Rancher makes, and nodes that register, would be."""
    with lab_clusters(["backing"], controllers=False) as found:
        yield found["backing"]


@pytest.fixture
def clusters() -> Iterator[Mapping[str, LabCluster]]:
    """A cluster to be imported, new for each test."""
    with lab_clusters(["prod-aws"]) as found:
        yield found


@pytest.fixture
def rancher(tmp_path: Path, clusters: Mapping[str, LabCluster], backing: LabCluster) -> Iterator[FakeRancher]:
    """A fake Rancher with a machine configuration and a credential."""
    downstream = {"prod-aws": clusters["prod-aws"], "made": backing, "custom": backing}
    with fake_rancher(tmp_path / "rancher", downstream) as found:
        found.machine_config("all")
        found.credential("cc-x")
        yield found


@pytest.fixture
def shop(tmp_path: Path, rancher: FakeRancher, clusters: Mapping[str, LabCluster]) -> Project:
    """A project with access to the cluster, and an API key for Rancher."""
    found = project(tmp_path, f'rancher: {{url: "{rancher.url}", ca: rancher.pem}}\n{CLUSTERS}')
    (found.folder / "rancher.pem").write_text(rancher.authority)
    found.variables[KEY] = rancher.key()
    found.become("prod-aws", str(clusters["prod-aws"].kubeconfig_file))
    return found


def secrets(shop: Project, rancher: FakeRancher) -> list[str]:
    """Return what must be in nobody's log."""
    return [shop.variables[KEY], "registration-secret", "kubeconfig-user-"]


def test_import(shop: Project, rancher: FakeRancher, clusters: Mapping[str, LabCluster]) -> None:
    """A dry run changes nothing, a run brings the cluster in, a second one changes nothing; no secret is shown."""
    planned = shop.run("clusters", "import", "prod-aws", "--dry-run")
    assert planned.code == 0, planned
    assert planned.out.startswith(
        "would make the cluster prod-aws in Rancher\n"
        "would apply Rancher's agent to prod-aws, and wait until it is active\n"
    )
    assert (rancher.writes, rancher.clusters) == ([], {})
    done = shop.run("clusters", "import", "prod-aws")
    assert done.code == 0, done
    assert "prod-aws: 6 objects of Rancher's agent are applied" in done.said
    assert rancher.clusters["prod-aws"]["spec"] == {}
    with api(clusters["prod-aws"]) as found:
        assert found.get(DEPLOYMENT, "cattle-cluster-agent", "cattle-system") is not None
    rancher.requests.clear()
    clusters["prod-aws"].requests.clear()
    again = shop.run("clusters", "import", "prod-aws", "--format", "json")
    document = json.loads(again.out)
    assert (document["steps"], document["rancher"]["active"], document["kubeconfig"]) == ([], True, "")
    assert rancher.writes == []
    said = planned.out + planned.said + done.out + done.said + again.out + again.said
    assert [each for each in secrets(shop, rancher) if each in said] == []


def test_through_rancher(shop: Project, rancher: FakeRancher, tmp_path: Path) -> None:
    """The kubeconfig that Rancher makes is written with Rancher's authority, works, and is not made a second time."""
    out = tmp_path / "through"
    arguments = ("clusters", "import", "prod-aws", "--through-rancher", "--output", str(out))
    assert shop.run(*arguments).code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    server = yaml.safe_load(out.read_text())["clusters"][0]["cluster"]
    assert re.fullmatch(rf"{rancher.url}/k8s/clusters/c-m-\d{{8}}", server["server"])
    assert base64.b64decode(server["certificate-authority-data"]).decode() == rancher.authority
    assert shop.run(*arguments).code == 0
    assert rancher.kubeconfigs == 1
    out.write_text(out.read_text().replace("kubeconfig-user-1", "run-out"))
    renewed = shop.run(*arguments)
    assert (renewed.code, "done write the kubeconfig that Rancher made" in renewed.out) == (0, True), renewed
    assert rancher.kubeconfigs == 2, "a token that is no longer taken is replaced"
    shop.become("prod-aws", str(out))
    status = shop.run("clusters", "status", "--environment", "production")
    assert (status.code, "active" in status.out) == (0, True), status


def test_another_address(shop: Project, rancher: FakeRancher) -> None:
    """A Rancher whose `server-url` is not the address in mcci.yml is the same Rancher, also to a second run."""
    rancher.known_as("https://rancher.example.com")
    assert shop.run("clusters", "import", "prod-aws").code == 0
    again = shop.run("clusters", "import", "prod-aws")
    assert (again.code, again.out.startswith("nothing had to be changed")) == (0, True), again


def test_create(shop: Project, rancher: FakeRancher) -> None:
    """Rancher makes the cluster that mcci.yml describes; then nothing changes, until mcci.yml does."""
    planned = shop.run("clusters", "create", "made", "--dry-run")
    assert "would make the cluster made in Rancher: RKE2 v1.34.5+rke2r1, of the machines 3 all" in planned.out
    assert rancher.writes == []
    done = shop.run("clusters", "create", "made")
    assert done.code == 0, done
    spec = rancher.clusters["made"]["spec"]
    assert (spec["kubernetesVersion"], spec["cloudCredentialSecretName"]) == (
        "v1.34.5+rke2r1",
        "cattle-global-data:cc-x",
    )
    assert spec["rkeConfig"]["machineGlobalConfig"]["cluster-cidr"] == "10.42.0.0/16"
    own = yaml.safe_load((shop.home / ".kube" / "config").read_text())
    assert own["current-context"] == "made"
    assert json.loads(shop.run("clusters", "create", "made", "--format", "json").out)["steps"] == []
    assert rancher.kubeconfigs == 1
    shop.configure(
        (shop.folder / "mcci.yml").read_text().split("services: {cart: {}}\n")[1].replace("quantity: 3", "quantity: 5")
    )
    rancher.requests.clear()
    grown = shop.run("clusters", "create", "made")
    assert (grown.code, "done change all.quantity: 3 → 5" in grown.out) == (0, True), grown
    assert [each.split(" ")[0] for each in rancher.writes] == ["PUT"]
    assert rancher.clusters["made"]["spec"]["rkeConfig"]["machinePools"][0]["quantity"] == 5


def test_custom_nodes(shop: Project, rancher: FakeRancher, tmp_path: Path) -> None:
    """Without pools the script that registers a node is written for its owner alone, and the nodes are waited for."""
    done = shop.run("clusters", "create", "custom")
    assert (done.code, "Give '--node-command FILE'" in done.said, rancher.writes) == (2, True, [])
    script = tmp_path / "register.sh"
    with shop.start("clusters", "create", "custom", "--node-command", str(script)) as process:
        try:
            until(script.exists, process)
            rancher.registered.add("custom")
            out, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, said
    assert "custom: register its nodes with" in said
    assert "waiting for at least one control plane node" in said
    assert stat.S_IMODE(script.stat().st_mode) == 0o600
    assert re.search(r'^curl -fL .* --token registration-secret-c-m-\d+ "\$@"$', script.read_text(), re.MULTILINE)
    assert [each for each in secrets(shop, rancher) if each in out + said] == []


def test_killed(shop: Project, rancher: FakeRancher, clusters: Mapping[str, LabCluster]) -> None:
    """A run that is ended between its steps leaves what the next one goes on with."""
    rancher.stuck["prod-aws"] = "Waiting for API to be available"
    with shop.start("clusters", "import", "prod-aws") as process:
        try:
            until(lambda: any("/v3/import/" in each for each in rancher.requests), process)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 143
    assert list(rancher.clusters) == ["prod-aws"]
    rancher.stuck.clear()
    rancher.requests.clear()
    done = shop.run("clusters", "import", "prod-aws")
    assert done.code == 0, done
    assert rancher.writes == [], "the cluster is there, and is not made a second time"


@pytest.mark.faults
@pytest.mark.parametrize(
    "match",
    [
        "GET /apis/provisioning.cattle.io/v1",
        "POST /apis/provisioning",
        "clusterregistrationtokens",
        "/secrets/",
        "/v3/import/",
    ],
)
@pytest.mark.parametrize("pause", [0.0, 0.05, 0.2])
def test_killed_anywhere(
    shop: Project, rancher: FakeRancher, clusters: Mapping[str, LabCluster], match: str, pause: float
) -> None:
    """Wherever a run is killed, the next one brings the cluster in, and the one after that changes nothing."""
    with shop.start("clusters", "import", "prod-aws") as process:
        try:
            until(lambda: any(match in each for each in rancher.requests), process)
            time.sleep(pause)
        finally:
            process.kill()
    assert shop.run("clusters", "import", "prod-aws").code == 0
    assert list(rancher.clusters) == ["prod-aws"]
    rancher.requests.clear()
    assert shop.run("clusters", "import", "prod-aws").out.startswith("nothing had to be changed")
    assert rancher.writes == []


@pytest.mark.faults
@pytest.mark.parametrize(
    "match", ["GET /apis", "POST /apis", "clusterregistrationtokens", "/secrets/", "/v3/", "/k8s/"]
)
@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_any_answer_that_passes(shop: Project, rancher: FakeRancher, match: str, code: int, tmp_path: Path) -> None:
    """Every call outlasts three bad answers of every kind that passes."""
    rancher.faults += [Fault(match=match, code=code)] * 3
    done = shop.run("clusters", "import", "prod-aws", "--through-rancher", "--output", str(tmp_path / "out"))
    assert (done.code, rancher.faults) == (0, []), done


def test_another_way_in(shop: Project, rancher: FakeRancher, clusters: Mapping[str, LabCluster]) -> None:
    """A cluster that jobs reach by GitLab's agent comes into Rancher, and no kubeconfig is written for it."""
    text = (shop.folder / "mcci.yml").read_text().split("services: {cart: {}}\n")[1]
    shop.configure(text.replace("prod-aws: {cloud: aws,", 'prod-aws: {cloud: aws, agent: "a/b:c",'))
    done = shop.run("clusters", "import", "prod-aws", "--kubeconfig", str(clusters["prod-aws"].kubeconfig_file))
    assert (done.code, "kubeconfig" in done.out, (shop.home / ".kube").exists()) == (0, False, False), done


def test_never_active(shop: Project, rancher: FakeRancher) -> None:
    """A cluster that never becomes active ends with 3, what Rancher says of it, and what to do."""
    rancher.stuck["prod-aws"] = "Cluster agent is not connected"
    done = shop.run("clusters", "import", "prod-aws", "--timeout", "2")
    assert done.code == 3
    assert "prod-aws: not active: Ready: Cluster agent is not connected" in done.said
    assert "Run the same command again" in done.said
    status = shop.run("clusters", "status", "--environment", "production")
    assert status.code == 1
    assert "in Rancher it is not active: Ready: Cluster agent is not connected" in status.out


def test_transient(shop: Project, rancher: FakeRancher, clusters: Mapping[str, LabCluster]) -> None:
    """Answers that pass, of every call on the way, are outlasted; the older way to have the token serves as well."""
    rancher.secret_tokens = False
    for match in ("GET /apis/provisioning", "POST /apis/provisioning", "clusterregistrationtokens", "/v3/import/"):
        rancher.faults += [Fault(match=match, code=503), Fault(match=match, code=500)]
    done = shop.run("clusters", "import", "prod-aws")
    assert done.code == 0, done
    assert rancher.faults == []


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("nobody", "refuses the API key"),
        ("reader", "may not create the cluster prod-aws in fleet-default"),
        ("", "the variable RANCHER_TOKEN is not set"),
        ("two\nlines", "is no API key of Rancher's"),
    ],
)
def test_keys(shop: Project, rancher: FakeRancher, clusters: Mapping[str, LabCluster], key: str, says: str) -> None:
    """A key that is refused, has too few rights, or is none ends with 2 before anything is changed anywhere."""
    shop.variables[KEY] = rancher.key("get", "list") if key == "reader" else key
    clusters["prod-aws"].requests.clear()
    done = shop.run("clusters", "import", "prod-aws")
    assert (done.code, done.out) == (2, "")
    assert says in done.said
    assert shop.variables[KEY] == "" or shop.variables[KEY] not in done.said
    assert (rancher.writes, rancher.clusters) == ([], {})
    assert not writes(clusters["prod-aws"])


def test_a_standard_user(shop: Project, rancher: FakeRancher) -> None:
    """Who may no more than create sees a cluster only once Rancher has made him its owner: that is waited for."""
    shop.variables[KEY] = rancher.key("create")
    for name in ("prod-aws", "made"):
        done = shop.run("clusters", "import" if name == "prod-aws" else "create", name)
        assert done.code == 0, done
        assert re.search(rf"{name}: .*(waiting for Rancher|Rancher does not show it)", done.said), done
    assert shop.run("clusters", "create", "made").out.startswith("nothing had to be changed")


def test_a_name_that_is_taken(shop: Project, rancher: FakeRancher, clusters: Mapping[str, LabCluster]) -> None:
    """A cluster of the name that the key may not see is somebody else's: it is left alone, and so is ours."""
    assert shop.run("clusters", "create", "made").code == 0
    shop.variables[KEY] = rancher.key("create")
    done = shop.run("clusters", "create", "made")
    assert (done.code, "Rancher has a cluster of this name already" in done.said) == (1, True), done


def test_without_rights_in_the_cluster(shop: Project, rancher: FakeRancher, clusters: Mapping[str, LabCluster]) -> None:
    """Who is no administrator of the cluster is told so before Rancher hears of it."""
    shop.become("prod-aws", clusters["prod-aws"].kubeconfig(service_account("default", "deployer")))
    done = shop.run("clusters", "import", "prod-aws")
    assert (done.code, "a kubeconfig of a cluster-admin" in done.said) == (2, True)
    assert (rancher.writes, rancher.clusters) == ([], {})


def test_wrong_authority(shop: Project, rancher: FakeRancher, clusters: Mapping[str, LabCluster]) -> None:
    """A certificate of another authority, none at all, or a file that is none: nothing is sent, and it is said."""
    for text, says in (
        ((clusters["prod-aws"].cluster.folder / "ca.crt").read_text(), "Rancher's certificate is not trusted"),
        ("no certificate", "is no certificate (PEM)"),
    ):
        (shop.folder / "rancher.pem").write_text(text)
        done = shop.run("clusters", "import", "prod-aws")
        assert (done.code, says in done.said) == (2, True), done
    shop.configure(f'rancher: {{url: "{rancher.url}"}}\n{CLUSTERS}')
    assert "Rancher's certificate is not trusted" in shop.run("clusters", "import", "prod-aws").said
    assert rancher.requests == []


def test_redirect(shop: Project, rancher: FakeRancher, clusters: Mapping[str, LabCluster]) -> None:
    """A redirect is not followed, so the key goes to no other server."""
    elsewhere = clusters["prod-aws"]
    elsewhere.requests.clear()
    rancher.faults.append(Fault(match="GET /apis", code=307, headers=(("Location", f"{elsewhere.url}/stolen"),)))
    done = shop.run("clusters", "import", "prod-aws")
    assert (done.code, f"{rancher.url} answers 307" in done.said) == (3, True), done
    assert not any("stolen" in path for _, path in elsewhere.requests.counts)


@pytest.mark.parametrize(
    ("match", "body", "code", "says"),
    [
        ("GET /apis/provisioning.cattle.io/v1 ", b"<html>Welcome</html>", 3, "is no Rancher"),
        ("GET /v3/import/", b"<html>Welcome</html>", 1, "no Kubernetes object"),
        ("GET /v3/import/", b"\xff\xfe", 1, "is no text"),
        ("?action=generateKubeconfig", b'{"config": "kind: Config"}', 2, "no kubeconfig"),
        ("?action=generateKubeconfig", b"[]", 3, "answers something else"),
    ],
)
def test_rubbish(
    shop: Project, rancher: FakeRancher, match: str, body: bytes, code: int, says: str, tmp_path: Path
) -> None:
    """Rubbish in the place of any answer is an error that says of what, and nothing is made of it."""
    rancher.faults.append(Fault(match=match.rstrip(), code=200, body=body))
    out = tmp_path / "through"
    done = shop.run("clusters", "import", "prod-aws", "--through-rancher", "--output", str(out))
    assert (done.code, says in done.said, out.exists()) == (code, True, False), done


def test_an_unknown_kind(shop: Project, rancher: FakeRancher, clusters: Mapping[str, LabCluster]) -> None:
    """A manifest with something that mcci does not know is not applied, not even in part."""
    rancher.manifest = lambda text: f"{text}---\n{{apiVersion: v1, kind: Pod, metadata: {{name: x}}}}\n"
    clusters["prod-aws"].requests.clear()
    done = shop.run("clusters", "import", "prod-aws")
    assert (done.code, "a Pod (v1), which mcci does not know" in done.said) == (1, True)
    assert not writes(clusters["prod-aws"])


def test_strangers(
    shop: Project, rancher: FakeRancher, clusters: Mapping[str, LabCluster], backing: LabCluster
) -> None:
    """Another Rancher's cluster, another cluster of the name, one that Rancher makes or removes: each is refused."""
    assert shop.run("clusters", "import", "prod-aws").code == 0
    shop.become("prod-aws", str(backing.kubeconfig_file))
    done = shop.run("clusters", "import", "prod-aws")
    assert (done.code, "it is another one: no agent of Rancher's runs" in done.said) == (1, True), done
    shop.become("prod-aws", str(clusters["prod-aws"].kubeconfig_file))
    with api(clusters["prod-aws"]) as found:
        agent = found.get(DEPLOYMENT, "cattle-cluster-agent", "cattle-system")
        assert agent is not None
        agent["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "https://other.example"
        found.replace(DEPLOYMENT, agent)
    done = shop.run("clusters", "import", "prod-aws")
    says = "the agent of another Rancher runs in this cluster, that of https://other.example"
    assert (done.code, says in done.said) == (1, True), done
    assert shop.run("clusters", "create", "made").code == 0
    shop.become("made", str(backing.kubeconfig_file))
    done = shop.run("clusters", "import", "made", "--without-rancher")
    assert (done.code, "give '--kubeconfig FILE'" in done.said) == (2, True)
    shop.configure((shop.folder / "mcci.yml").read_text().split("services: {cart: {}}\n")[1].replace(
        "made: {rke2: {", "made: {pod_cidr: 10.42.0.0/16, service_cidr: 10.96.0.0/16, rke2: {"))  # fmt: skip
    done = shop.run("clusters", "import", "made")
    assert (done.code, "Rancher makes this cluster itself" in done.said) == (2, True), done
    done = shop.run("clusters", "create", "made")
    assert (done.code, "its 'service-cidr' is 10.43.0.0/16, mcci.yml says 10.96.0.0/16" in done.said) == (1, True), done


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("Amazonec2Config/all", "Amazonec2Config/gone"), "no machine configuration Amazonec2Config/gone"),
        (("cc-x", "cc-gone"), "no cloud credential cattle-global-data:cc-gone"),
    ],
)
def test_nothing_to_make_it_of(shop: Project, rancher: FakeRancher, change: tuple[str, str], says: str) -> None:
    """A pool whose machine configuration, or a cluster whose credential, is not in Rancher is not begun."""
    text = (shop.folder / "mcci.yml").read_text().split("services: {cart: {}}\n")[1]
    shop.configure(text.replace(*change))
    done = shop.run("clusters", "create", "made")
    assert (done.code, says in done.said, rancher.writes) == (1, True, []), done


def test_no_tokens(shop: Project, rancher: FakeRancher) -> None:
    """A Rancher that gives kubeconfigs without tokens is told, with the setting that changes it."""
    rancher.kubeconfig_tokens = False
    done = shop.run("clusters", "create", "made")
    assert (done.code, "setting 'kubeconfig-generate-token' is off" in done.said) == (2, True), done


def test_taken(shop: Project, rancher: FakeRancher, backing: LabCluster) -> None:
    """A context of the name that is not Rancher's is seen before the cluster is made."""
    own = shop.home / ".kube" / "config"
    own.parent.mkdir()
    own.write_text(backing.kubeconfig().replace("backing", "made"))
    done = shop.run("clusters", "create", "made")
    assert (done.code, f"has 'made' already, for {backing.url}" in done.said) == (2, True), done
    assert rancher.writes == []


def test_status_without_rancher(shop: Project, rancher: FakeRancher, backing: LabCluster) -> None:
    """Where Rancher does not answer, or not to this key, that is a finding, and the clusters are shown all the same."""
    for variables, says in (
        ({KEY: "token-abc:nobody"}, "refuses the API key"),
        ({KEY: rancher.key()}, "Rancher's certificate is not trusted"),
    ):
        done = shop.run("clusters", "status", "--environment", "production", **variables)
        assert (done.code, says in done.out, "prod-aws  yes" in done.out) == (1, True, True), done
        (shop.folder / "rancher.pem").write_text((backing.cluster.folder / "ca.crt").read_text())


def test_status_without_a_key(shop: Project, rancher: FakeRancher) -> None:
    """Without an API key the clusters are looked at, and it is said that Rancher was not asked."""
    done = shop.run("clusters", "status", "--environment", "production", RANCHER_TOKEN="")
    assert (done.code, "Rancher is not asked: RANCHER_TOKEN is not set" in done.said) == (0, True), done
    assert rancher.requests == []


def writes(cluster: LabCluster) -> list[str]:
    """Return what was changed in a cluster, by verb and path."""
    asked = (f"{verb} {path}" for verb, path in cluster.requests.counts)
    return [each for each in asked if not each.startswith(("get", "list")) and "selfsubject" not in each]


def until(there: object, process: subprocess.Popen[str], seconds: float = 60) -> None:
    """Wait until something is there, as long as the process runs."""
    assert callable(there)
    end = time.monotonic() + seconds
    while not there():
        assert process.poll() is None, Done(code=process.returncode, out="", said=(process.communicate()[1]))
        assert time.monotonic() < end
        time.sleep(0.02)
