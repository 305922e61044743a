"""The deployer's role in a cluster: applied as `mcci doctor --rbac` prints it, recorded in use, and taken from."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from mcci.clients.kubernetes.api import Kind
from mcci.lab.clusters.access.users import service_account

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.clients.kubernetes.api import Object
    from tests.service.doctor.shop import Done, Shop
    from tests.tools.lab import LabCluster

Right = str  # as `create deployments.apps`
NAMESPACE, ACCOUNT = "shop", "mcci-deployer"
ENVIRONMENT = ("--environment", "production")
CHANGED = (
    "--set", "microservice.service.annotations.a=b", "--set", "microservice.serviceAccount.annotations.a=b",
    "--set", "microservice.networkPolicy.restrictEgress=true",
)  # fmt: skip
_RBAC = "rbac.authorization.k8s.io"
_ANYBODY = {"create selfsubjectaccessreviews.authorization.k8s.io"}  # every user may ask what it may


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command of the story, with the release it is run with and how it ends.

    `mailer` is what becomes of the mailer's pods (`mcci/lab/clusters/pods/fake.py`).
    """

    arguments: tuple[str, ...]
    release: int = 0
    code: int = 0
    mailer: str = ""


STORY = (
    # all that it made is removed again, the cart's routes too
    Step(arguments=("deploy", *ENVIRONMENT, "--timeout", "20"), release=1, code=4, mailer="never-ready"),
    Step(arguments=("deploy", *ENVIRONMENT), release=1),
    Step(arguments=("deploy", *ENVIRONMENT), release=2),
    Step(arguments=("canary", "step", "cart", "--to", "50")),
    Step(arguments=("canary", "abort", "cart")),
    Step(arguments=("deploy", *ENVIRONMENT, *CHANGED), release=3),
    Step(arguments=("deploy", *ENVIRONMENT), release=4, code=4, mailer="crashes"),
)


def restrict(shop: Shop, name: str) -> set[Right]:
    """Apply the role that the doctor prints, be its account from now on, and return the rights that it gives."""
    printed = shop.run("doctor", "--rbac", "--cluster", name)
    assert printed.code == 0, printed
    api = shop.api(name)
    rights: set[Right] = set()
    for document in yaml.safe_load_all(printed.out):
        api.create(_kind(document), document)
        rights |= {
            named(verb, resource, group)
            for rule in document.get("rules", ())
            for verb in rule["verbs"]
            for resource in rule["resources"]
            for group in rule["apiGroups"]
        }
    api.close()
    become(shop, name)
    return rights


def become(shop: Shop, name: str) -> None:
    """Reach the cluster as the deployer."""
    shop.become(name, shop.clusters[name].kubeconfig(service_account(NAMESPACE, ACCOUNT)))


def take_away(shop: Shop, name: str, right: Right) -> None:
    """Take one line from the role."""
    verb, _, resource = right.partition(" ")
    api = shop.api(name)
    taken = 0
    for kind, role in ((_role("Role"), ACCOUNT), (_role("ClusterRole"), f"{ACCOUNT}-{NAMESPACE}")):
        body = api.get(kind, role, NAMESPACE if kind.namespaced else "")
        assert body is not None
        for rule in body["rules"]:
            if named("", rule["resources"][0], rule["apiGroups"][0]).strip() == resource and verb in rule["verbs"]:
                rule["verbs"].remove(verb)
                taken += 1
        body["rules"] = [rule for rule in body["rules"] if rule["verbs"]]
        api.replace(kind, body)
    api.close()
    assert taken == 1, right


def play(shop: Shop, name: str, step: Step) -> tuple[Done, set[Right]]:
    """Run a step; return how it ended, and the rights that it used."""
    requests = shop.clusters[name].requests
    values = {"podAnnotations": {"lab.mcci.io/fake": step.mailer} if step.mailer else {}}
    (shop.folder / "mailer" / "values.yml").write_text(yaml.safe_dump(values))
    requests.clear()
    done = shop.run(*step.arguments, release=step.release)
    return done, used(requests.counts) - _ANYBODY


def used(counts: dict[tuple[str, str], int]) -> set[Right]:
    """Return the rights that requests, by verb and path, are for."""
    found = set()
    for verb, path in counts:
        parts = path.strip("/").split("/")
        if parts[0] not in ("api", "apis"):
            continue
        group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1] if len(parts) > 1 else "", parts[3:])
        if rest[:1] == ["namespaces"] and len(rest) > 2:
            rest = rest[2:]
        if rest:
            found.add(named(verb, "/".join([rest[0], *rest[2:3]]), group))
    return found


def refusal(right: Right) -> str:
    """Return the words with which the API refuses it."""
    verb, _, resource = right.partition(" ")
    return f'cannot {verb} resource "{resource.partition(".")[0]}"'


def named(verb: str, resource: str, group: str) -> Right:
    """Return a right's name."""
    return f"{verb} {resource}{f'.{group}' if group else ''}"


def snapshot(cluster: LabCluster, folder: Path) -> None:
    """Copy a running cluster's state into a folder, to begin with it elsewhere."""
    source = cluster.kubeconfig_file.parent
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("objects.sqlite*", "pods"))
    with sqlite3.connect(source / "objects.sqlite") as old, sqlite3.connect(folder / "objects.sqlite") as new:
        old.backup(new)
    old.close()
    new.close()


def _kind(document: Object) -> Kind:
    group, _, version = document["apiVersion"].rpartition("/")
    kind = document["kind"]
    inside = not kind.startswith("Cluster") and kind != "Namespace"
    return Kind(group=group, version=version, kind=kind, plural=f"{kind.lower()}s", namespaced=inside)


def _role(kind: str) -> Kind:
    return Kind(group=_RBAC, kind=kind, plural=f"{kind.lower()}s", namespaced=kind == "Role")
