"""A configuration that is right: every key arrives where it belongs, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcci.config.load import load
from mcci.config.model import Config, DeploymentTier, Duration, Environment, Gate, Layout, Stack, Version
from mcci.errors import InvalidInput
from mcci.findings import Position

HERE = Path(__file__).parent
SMALL = "version: 1\napplication: shop\nservices:\n  web: {}\n"


def config(text: str) -> Config:
    return load(text.encode())


@pytest.fixture(scope="module")
def full() -> Config:
    """The configuration with every kind of key."""
    return load((HERE / "full.yml").read_bytes(), "full.yml")


def test_smallest() -> None:
    """Four lines are enough; everything else has a default."""
    small = config(SMALL)
    web = small.services["web"]
    assert (small.layout, small.branches.default, small.runner.timeout) == (Layout.THREE_BRANCH, "master", 3600)
    assert (web.folder, web.build_context, web.dockerfile_path) == ("web", "web", "web/Dockerfile")
    assert (web.image_name, web.ports, web.stack) == ("web", {"http": 8080}, Stack.DOCKERFILE)
    canary = small.canary_of(web)
    assert canary is not None
    assert canary.steps == (10, 25, 50, 100)


def test_values_have_their_types(full: Config) -> None:
    """Times are seconds, versions keep their zeros, numbers where text is wanted are text."""
    assert full.gitlab.version == Version(18, 10)
    assert str(full.gitlab.version) == "18.10"
    assert full.services["web"].canary.bake == 5400
    assert full.services["web"].build_args == {"BASE": "python", "DEBUG": "0"}
    assert full.services["web"].tests == ("curl --fail $SERVICE_URL/live", "true\nfalse\n")
    assert full.environments["production"].waves == (("eu",), ("us",))
    assert full.services["web"].values == {"replicas": 3, "resources": {"limits": {"cpu": 1}}}


def test_paths_are_in_their_shortest_form() -> None:
    """Paths may be written with `./`, `//` and a slash at the end; nobody who reads the model has to know."""
    text = (
        SMALL.replace("{}", "{path: ./a//b/, dockerfile: ../Dockerfile.b, depends_on: [./lib/, api]}") + "  api: {}\n"
    )
    web = config(text).services["web"]
    assert (web.folder, web.dockerfile_path) == ("a/b", "a/Dockerfile.b")
    assert (web.path, web.depends_on) == ("a/b/", ("lib/", "api"))
    assert (web.needed_folders, web.needed_services) == (("lib",), ("api",))


def test_defaults_are_merged_key_by_key(full: Config) -> None:
    """A service's own keys outrank those of `defaults`, in sections and mappings too; lists and values are replaced."""
    web, api = full.services["web"], full.services["api"]
    assert (web.stack, api.stack) == (Stack.PYTHON, Stack.GO)
    assert (web.health.live, web.health.ready, web.health.timeout) == ("/live", "/readyz", 90)
    own = config(
        SMALL.replace("{}", "{health: {live: /up}, tests: [b]}") + "defaults: {health: {ready: /r}, tests: [a]}"
    )
    assert (own.services["web"].health.live, own.services["web"].health.ready) == ("/up", "/r")
    assert own.services["web"].tests == ("b",)


def test_analysis_is_as_in_canary_where_a_service_says_nothing(full: Config) -> None:
    """A service that changes one figure of the analysis keeps the others."""
    canary = full.canary_of(full.services["web"])
    assert canary is not None
    assert (canary.analysis.max_error_rate, canary.analysis.min_requests, canary.analysis.max_latency) == (0.5, 10, 1)
    assert (canary.steps, canary.bake, canary.gate) == ((5, 100), 5400, Gate.MANUAL)


def test_inheritance_reaches_through_merge_keys() -> None:
    """What a merge key brings is the service's own, and is merged with the defaults as such."""
    text = (
        "version: 1\napplication: shop\n"
        "defaults: {health: {timeout: 5s}}\ncanary: {analysis: {min_requests: 7}}\n"
        "services:\n"
        "  web: &web {health: {live: /up}, canary: {analysis: {max_error_rate: 2}}}\n"
        "  api: {<<: *web, image: other}\n"
    )
    for service in config(text).services.values():
        assert (service.health.live, service.health.timeout) == ("/up", 5)
        assert service.canary.analysis is not None
        assert (service.canary.analysis.max_error_rate, service.canary.analysis.min_requests) == (2, 7)


def test_canary_switch(full: Config) -> None:
    """`canary: off`, also written `false`, leaves a service without a canary; `on` outranks a default of `off`."""
    assert full.canary_of(full.services["api"]) is None
    assert config(SMALL.replace("{}", "{canary: false}")).services["web"].canary.enabled is False
    assert (
        config(SMALL.replace("{}", "{canary: on}") + "defaults: {canary: off}").services["web"].canary.enabled is True
    )


def test_empty_sections_are_as_left_out() -> None:
    """A section or mapping with nothing behind its colon is as if it were not there."""
    empty = config(SMALL.replace("{}", "") + "registry:\nclusters:\nenvironments:\ndefaults:\nmesh:\n")
    assert empty == config(SMALL)


def test_positions(full: Config) -> None:
    """Keys, items of lists and names in mappings know the line and column they were written at."""
    web = full.services["web"]
    assert web.marks.of("ports") == Position(file="full.yml", line=26, column=5)
    assert web.marks.item("clusters", 1) == Position(file="full.yml", line=28, column=20)
    assert full.environments["production"].marks.item("waves", 1) == Position(file="full.yml", line=36, column=31)
    assert full.marks.item("clusters", "us") == Position(file="full.yml", line=40, column=3)
    assert web.marks.of("stack") == Position(file="full.yml", line=10, column=3), "inherited: where it was written"
    assert full.services["api"].marks.of("path") == full.services["api"].marks.at, "left out: where the section is"


def test_same_text_gives_equal_values() -> None:
    """Positions take no part in equality: a comment changes nothing."""
    assert config(SMALL) == config("# a comment\n" + SMALL)


@pytest.mark.parametrize(
    ("name", "tier"),
    [
        ("production", "production"), ("prd-eu", "production"), ("live", "production"), ("pre-production", "staging"),
        ("stage", "staging"), ("stg", "staging"), ("qa", "testing"), ("integration", "testing"),
        ("accept", "testing"), ("review", "development"), ("eu", "other"), ("account", "other"),
    ],
)  # fmt: skip
def test_tier_is_told_from_the_name(name: str, tier: str) -> None:
    """An environment's tier is the one that GitLab tells from its name."""
    assert Environment(name=name).deployment_tier is DeploymentTier(tier)
    assert Environment(name=name).is_production is (tier == "production")


def test_config_clusters(full: Config) -> None:
    """Istio's objects go to the clusters named; else to an environment's first, or all with a control plane each."""
    assert full.config_clusters(full.environments["production"]) == ("eu", "us")
    assert full.config_clusters(full.environments["stage"]) == ("test",)
    shared = config(SMALL + "clusters: {a: {}, b: {}}\nenvironments: {stage: {clusters: [b, a]}}\n")
    assert shared.config_clusters(shared.environments["stage"]) == ("b",)


def test_placement(full: Config) -> None:
    """A service is on the clusters named for it or for its canary; without any, on all."""
    assert [service.name for service in full.services_on("test")] == ["api", "job", "job-2"]
    assert [service.name for service in full.services_on("us")] == ["web", "api", "job", "job-2"]


def test_access(full: Config) -> None:
    """A kubeconfig's variable is told from the cluster's name, unless an agent or OIDC gives access."""
    assert full.clusters["test"].kubeconfig_variable == "KUBE_TEST"
    assert full.clusters["eu"].kubeconfig_variable == full.clusters["us"].kubeconfig_variable == ""
    plain = config(SMALL + "clusters: {prod-eu: {}}\nenvironments: {stage: {clusters: [prod-eu]}}\n")
    assert plain.clusters["prod-eu"].kubeconfig_variable == "KUBECONFIG_PROD_EU"


def test_time_limits(full: Config) -> None:
    """A stage's own time limit outranks the general one."""
    assert (full.runner.timeout_of("build"), full.runner.timeout_of("test")) == (1800, 3600)


@pytest.mark.parametrize(
    ("text", "seconds", "short", "words"),
    [
        ("90s", 90, "1m30s", "1 minute 30 seconds"), ("1h30m", 5400, "1h30m", "1 hour 30 minutes"),
        ("0s", 0, "0s", "0 seconds"),
        ("1d", 86400, "1d", "1 day"), ("120m", 7200, "2h", "2 hours"),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: int, short: str, words: str) -> None:
    """A time span is seconds, and is written short for people and in words for GitLab."""
    duration = Duration.parse(text)
    assert (duration, str(duration), duration.words()) == (seconds, short, words)


def test_mistakes_come_in_the_file_s_order_and_once() -> None:
    """What is wrong with `defaults` is said once, not once a service; the findings follow the file."""
    text = SMALL + "  api: {}\ncharts: 1\ndefaults: {stack: cobol, ports: {http: 0}}\nlayout: x\n"
    with pytest.raises(InvalidInput) as refused:
        config(text)
    assert [finding.position.line for finding in refused.value.findings] == [6, 7, 7, 8]


def test_not_more_mistakes_than_anybody_reads() -> None:
    """A file with thousands of mistakes is refused with the first hundred, at once."""
    with pytest.raises(InvalidInput) as refused:
        config(SMALL + "".join(f"unknown-{number}: 1\n" for number in range(3_000)))
    assert len(refused.value.findings) == 100


def test_yaml_1_1_words_are_text() -> None:
    """`on`, `no` and `012` are what YAML 1.2 says, unless a directive asks for 1.1."""
    values = config(
        SMALL + "defaults: {values: {a: no, b: 012, c: 0o17, d: 1_0, e: .inf, f: ~, g: 2024-01-01}}"
    ).defaults
    assert values["values"] == {"a": "no", "b": 12, "c": 15, "d": 10, "e": float("inf"), "f": None, "g": "2024-01-01"}
    old = config("%YAML 1.1\n---\n" + SMALL + "registry: {insecure: yes}\n")
    assert old.registry.insecure is True


def test_sample_application(request: pytest.FixtureRequest) -> None:
    """The sample application's mcci.yml is read, with v2 of the staff service on another cloud."""
    sample = load((HERE.parents[2] / "sample-app" / "mcci.yml").read_bytes())
    staff = sample.services["staff-service"]
    assert len(sample.services) == 6
    assert "prod-azure" in staff.canary.clusters
    assert "prod-azure" not in staff.clusters
