"""What the jobs need beside the clusters, and which rights a project needs: told from mcci.yml."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcci.clients.gitlab_variables import Variable
from mcci.clusters.permissions import Feature
from mcci.config.load import load
from mcci.config.model import Config
from mcci.delivery.doctor import needed, surroundings, variables
from mcci.delivery.doctor.model import Status

ROOT = Path(__file__).parents[3]
TEXT = """\
version: 1
application: shop
services:
  cart: {}
  mailer: {clusters: [stage, prod-azure]}
clusters:
  stage: {}
  prod-aws: {cloud: aws, agent: "group/infra:prod"}
  prod-azure:
    cloud: azure
    oidc: {audience: a, identity: i, tenant: t, resource_group: g}
environments:
  stage: {clusters: [stage]}
  production: {clusters: [prod-aws, prod-azure]}
"""
ALWAYS_ON = {Feature.POLICY, Feature.BUDGET}


def config(text: str = TEXT) -> Config:
    return load(text.encode())


def features(model: Config, root: Path, environment: str, cluster: str) -> set[Feature]:
    return set(needed.features(model, root, model.environments[environment], cluster))


def test_features(tmp_path: Path) -> None:
    """The Istio objects are one cluster's; what a chart makes depends on the values of the services that run there."""
    model = config()
    assert features(model, tmp_path, "production", "prod-aws") == {Feature.MESH, *ALWAYS_ON}
    assert features(model, tmp_path, "production", "prod-azure") == ALWAYS_ON
    (tmp_path / "mailer" / "profiles").mkdir(parents=True)
    (tmp_path / "mailer" / "values.yml").write_text("autoscaling: {enabled: true}\nnetworkPolicy: {enabled: false}\n")
    (tmp_path / "mailer" / "profiles" / "production.yml").write_text("a: b")
    found = features(model, tmp_path, "production", "prod-azure")
    assert found == {Feature.AUTOSCALING, Feature.CONFIG, *ALWAYS_ON}  # the cart has its policy still
    assert features(model, tmp_path, "production", "prod-aws") == {Feature.MESH, *ALWAYS_ON}


@pytest.mark.parametrize(
    ("chart", "values", "feature"),
    [
        ("microservice", "{migration: {enabled: true}}", Feature.MIGRATION),
        ("microservice", "{externalSecrets: [{name: a}]}", Feature.EXTERNAL_SECRETS),
        ("microservice", "{caBundle: {content: PEM}}", Feature.CONFIG),
        ("istio", "{gateway: {enabled: true}}", Feature.GATEWAY),
        ("istio", "{serviceEntries: [{name: a}]}", Feature.SERVICE_ENTRIES),
        ("istio", "{ingressGateway: {enabled: true}}", Feature.INGRESS),
    ],
)
def test_feature(chart: str, values: str, feature: Feature, tmp_path: Path) -> None:
    """Each part of a chart that is turned on, wherever it is, brings its rights."""
    text = TEXT.replace(
        "  stage: {clusters: [stage]}", f"  stage: {{clusters: [stage], values: {{{chart}: {values}}}}}"
    )
    assert features(config(text), tmp_path, "stage", "stage") == {Feature.MESH, feature, *ALWAYS_ON}


def test_in_a_job() -> None:
    """In a protected branch's job what is not set fails; elsewhere it is a warning; other clusters' are not missed."""
    model = config()
    names = variables.wanted(model, tuple(model.clusters))
    assert names == (
        "KUBECONFIG_STAGE", "REGISTRY_USER", "REGISTRY_PASSWORD", "MCCI_ID_TOKEN_PROD_AZURE", "KUBECONFIG",
    )  # fmt: skip
    assert variables.wanted(model, ("stage",)) == names[:3]
    job = {"CI": "true", "KUBECONFIG": "x", "REGISTRY_USER": "x"}
    (open_,) = variables.check(model, tuple(model.clusters), job, None)
    (safe,) = variables.check(model, tuple(model.clusters), {**job, "CI_COMMIT_REF_PROTECTED": "true"}, None)
    assert (open_.status, safe.status) == (Status.WARNING, Status.FAILED)
    assert safe.found == "not set: KUBECONFIG_STAGE, REGISTRY_PASSWORD, MCCI_ID_TOKEN_PROD_AZURE"
    assert "not protected" in open_.advice
    assert "not protected" not in safe.advice
    (all_,) = variables.check(model, tuple(model.clusters), {"CI": "true", **dict.fromkeys(names, "x")}, None)
    assert all_.status is Status.OK


def test_in_the_project() -> None:
    """In the project's settings each variable is there and protected; at a terminal without a token nobody looks."""
    model = config()
    names = variables.settings(model, tuple(model.clusters))
    assert names == ("KUBECONFIG_STAGE", "REGISTRY_USER", "REGISTRY_PASSWORD")
    assert [each.status for each in variables.check(model, (), {}, None)] == [Status.SKIPPED]
    good = [Variable(name=name, protected=True) for name in names]
    assert [each.status for each in variables.in_project(names, good)] == [Status.OK]
    missing, bare = variables.in_project(names, [good[0], Variable(name="REGISTRY_USER"), Variable(name="OTHER")])
    assert (missing.status, missing.found) == (Status.WARNING, "not among the project's: REGISTRY_PASSWORD")
    assert (bare.status, bare.found) == (Status.FAILED, "not protected: REGISTRY_USER")


def test_helm() -> None:
    """Without a helm the check fails, and says where one is looked for."""
    found = surroundings.helm({"PATH": "/nonexistent"})
    assert found.status is Status.FAILED
    assert "MCCI_HELM" in found.found + found.advice
