"""What a job does to the world, as its script and its environment tell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcci.check.collect import collect
from mcci.check.proofs.effects import Canary, Effects, effects
from mcci.pipeline.files import MemoryFiles


def of(**job: Any) -> Effects:
    """Return what a job with these keywords does."""
    text = json.dumps({"job": {"script": ["make"], **job}})
    (pipeline,) = collect(MemoryFiles({".gitlab-ci.yml": text}), [".gitlab-ci.yml"]).pipelines
    return effects(pipeline.configuration.jobs["job"])


@pytest.mark.parametrize(
    "line",
    [
        "mcci deploy --environment stage --cluster a",
        "mcci --config other.yml rollback --environment stage",
        "helm upgrade --install shop chart",
        "helm -n shop uninstall shop",
        "cd chart && exec helm upgrade shop .",
        "kubectl --context prod apply -f -",
        "kubectl rollout restart deployment/web",
        "kubectl apply --dry-run=none -f a.yml",
        "/usr/local/bin/kubectl delete pod a",
        "if true; then kubectl scale deployment web --replicas 0; fi",
    ],
)
def test_writes_a_cluster(line: str) -> None:
    """Commands that write a cluster do so wherever they stand in the script, options before the verb or not."""
    assert of(script=[line]).writes == "changes a cluster"


@pytest.mark.parametrize(
    "line",
    [
        "mcci deploy --environment stage --dry-run --diff",
        "mcci verify --environment stage",
        "helm template shop chart",
        "helm upgrade shop chart --dry-run",
        "helm upgrade shop chart --dry-run=server",
        "kubectl get pods",
        "kubectl rollout status deployment/web",
        "kubectl diff -f a.yml",
        "echo helm upgrade",
        "echo 'kubectl apply'",
        "# kubectl apply",
        "mcci build web",
    ],
)
def test_writes_nothing(line: str) -> None:
    """Commands that only read, or only talk of writing, write nothing."""
    assert of(script=[line]).writes == ""


def test_environment() -> None:
    """A job that starts an environment deploys to it; one that verifies or stops it does not."""
    assert of(environment="staging").writes == "changes staging"
    assert of(environment={"name": "production", "action": "verify"}).writes == ""
    assert of(environment={"name": "production", "action": "start"}).production


def test_review() -> None:
    """A review environment is the merge request's own, whatever runs there."""
    found = of(environment="review/$CI_COMMIT_REF_SLUG", script=["helm upgrade --install a b"])
    assert (found.writes, found.production) == ("", False)


def test_canary() -> None:
    """A canary's service, step and environment are read from the command, in either way of writing options."""
    assert of(script=["mcci canary step web --to 25"]).canary == Canary(service="web", action="step", step=25)
    found = of(script=["mcci canary step --to=50 --environment production-eu web"]).canary
    assert found == Canary(service="web", action="step", environment="production-eu", step=50)
    assert of(script=["mcci canary promote web"]).canary == Canary(service="web", action="promote")
    assert of(script=["mcci canary status web"]).canary is None


def test_registry() -> None:
    """`mcci push` writes to the release registry, and `mcci trigger` starts a delivery."""
    assert of(script=["mcci push web"]).writes == "writes to the release registry"
    assert of(script=["mcci trigger"]).writes == "starts a delivery"


def test_scripts_around() -> None:
    """What runs before and after the script counts, too."""
    assert of(before_script=["kubectl apply -f a"]).writes == "changes a cluster"
    assert of(after_script=["helm rollback a"]).writes == "changes a cluster"
