"""What the jobs need beside the clusters, and which rights a project needs: told from mcci.yml."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcci.clusters.permissions import Feature
from mcci.config.load import load
from mcci.config.model import Config
from mcci.delivery.doctor import needed, surroundings
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


def test_variables() -> None:
    """In a protected branch's job what is not set fails; elsewhere it is a warning; at a terminal nobody looks."""
    model = config()
    names = surroundings.wanted(model)
    assert names == (
        "KUBECONFIG_STAGE", "MCCI_ID_TOKEN_PROD_AZURE", "KUBECONFIG", "REGISTRY_USER", "REGISTRY_PASSWORD",
    )  # fmt: skip
    assert [each.status for each in surroundings.variables(model, {})] == [Status.SKIPPED]
    job = {"CI": "true", "KUBECONFIG": "x", "REGISTRY_USER": "x"}
    (open_,) = surroundings.variables(model, job)
    (safe,) = surroundings.variables(model, {**job, "CI_COMMIT_REF_PROTECTED": "true"})
    assert (open_.status, safe.status) == (Status.WARNING, Status.FAILED)
    assert safe.found == "not set: KUBECONFIG_STAGE, MCCI_ID_TOKEN_PROD_AZURE, REGISTRY_PASSWORD"
    assert "not protected" in open_.advice
    assert "not protected" not in safe.advice
    (all_,) = surroundings.variables(model, {"CI": "true", **dict.fromkeys(names, "x")})
    assert all_.status is Status.OK


def test_helm() -> None:
    """Without a helm the check fails, and says where one is looked for."""
    found = surroundings.helm({"PATH": "/nonexistent"})
    assert found.status is Status.FAILED
    assert "MCCI_HELM" in found.found + found.advice
