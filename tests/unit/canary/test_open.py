"""From mcci.yml to the clusters that concern a canary, and who moves it."""

from __future__ import annotations

import pytest

from mcci.canary.clusters import open as opening
from mcci.canary.state import Actor
from mcci.config.load import load
from mcci.config.model import Config
from mcci.errors import UsageError
from mcci.job import Job
from tests.unit.canary.world import Clock
from tests.unit.clusters.fake_api import FakeApi

TEXT = """
version: 1
application: vehicles
services:
  staff-service: {clusters: [prod-aws], canary: {clusters: [prod-azure]}}
  map: {canary: off, clusters: [prod-gcp]}
clusters: {stage: {}, prod-aws: {cloud: aws}, prod-azure: {cloud: azure}, prod-gcp: {cloud: gcp}}
environments:
  stage: {clusters: [stage]}
  production: {waves: [[prod-aws], [prod-azure, prod-gcp]]}
"""


def config(more: str = "") -> Config:
    """The configuration, with more at its end."""
    return load((TEXT + more).encode())


def test_with_one_control_plane_the_first_cluster_leads() -> None:
    """v1 on AWS, v2 on Azure: one cluster has the weights, the other only pods; one without either is not asked."""
    model = config()
    place = opening.environment_of(model, None)
    found = opening.clusters_of(model, place, model.services["staff-service"])
    assert found == (("prod-aws",), ("prod-azure",))


def test_with_several_primaries_every_cluster_has_weights() -> None:
    """Every primary routes, also one that runs no pod of the service; the configured order says who leads."""
    model = config("mesh: {topology: multi-primary, config_clusters: [prod-azure, prod-aws, prod-gcp]}\n")
    place = opening.environment_of(model, "production")
    service = model.services["staff-service"]
    assert opening.clusters_of(model, place, service) == (("prod-azure", "prod-aws", "prod-gcp"), ())
    apis = {name: FakeApi(name) for name in ("prod-azure", "prod-aws", "prod-gcp")}
    site = opening.site_of(model, place, service, apis, Actor(who="anna"), Clock())
    assert (site.leader, site.namespace, site.name) == ("prod-azure", "vehicles", "mcci-canary-staff-service")
    assert site.leave_out(["prod-azure"]).leader == "prod-aws"


def test_refuses_what_is_not_there() -> None:
    """Services, environments and clusters that mcci.yml lacks are told with those it has."""
    model = config()
    with pytest.raises(UsageError, match="Did you mean 'staff-service'"):
        opening.service_of(model, "staff-servic")
    with pytest.raises(UsageError, match="map has no canary"):
        opening.settings_of(model, opening.service_of(model, "map"))
    with pytest.raises(UsageError, match=r"no environment 'prod'\. It has stage, production"):
        opening.environment_of(model, "prod")
    two = config().environments["production"]
    several = load(TEXT.replace("  stage: {clusters: [stage]}", "  live: {clusters: [stage]}").encode())
    assert two.is_production
    with pytest.raises(UsageError, match=r"give --environment: .* mcci\.yml has live, production"):
        opening.environment_of(several, None)
    with pytest.raises(UsageError, match="concerns prod-aws, prod-azure"):
        opening.check_without(("prod-aws", "prod-azure"), ("prod-gcp",), "staff-service")
    with pytest.raises(UsageError, match="leaves no config cluster"):
        opening.check_without(("prod-aws",), ("prod-aws",), "staff-service")


def test_who_acts() -> None:
    """In a job it is the person behind it and the pipeline; at a terminal the user, and no pipeline."""
    job = Job(pipeline_id=7, pipeline_url="https://p", url="https://j", user_login="maria")
    assert opening.actor_of(job, "root") == Actor(
        who="maria", pipeline=7, pipeline_url="https://p", job_url="https://j"
    )
    assert opening.actor_of(Job(), "otto") == Actor(who="otto")
