"""`mcci init`, the part that decides: repositories of many kinds to a first mcci.yml that loads and generates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcci.clients import job_templates
from mcci.clients import tree as listing
from mcci.config.discover import Checkout, Tree, discover, is_read, text
from mcci.config.discover.dockerfiles import parse
from mcci.config.discover.surroundings import gitlab_url
from mcci.config.load import load
from mcci.config.model import Config, Service, Stack
from mcci.pipeline.generate import generate
from tests.tools.examples import examples

ROOT = Path(__file__).parents[3]
PYTHON = '[project]\nname = "{0}"\ndependencies = [{1}]\n'
FROM = "FROM scratch\nEXPOSE 8080\n"


def first(files: dict[str, str], **checkout: Any) -> Config:
    """Return the configuration that `mcci init` would write for a repository with these files; it loads."""
    tree = Tree(paths=frozenset(files), texts={path: each for path, each in files.items() if is_read(path)})
    return load(text(discover(tree, Checkout(**{"folder": "shop", **checkout}))).encode())


def only(files: dict[str, str]) -> Service:
    """Return the one service that is found in these files."""
    (service,) = first(files).services.values()
    return service


def test_sample_application() -> None:
    """The sample application's six services are found, with what they share; and what is written can be generated."""
    found = discover(listing.tree(ROOT / "sample-app"), Checkout(folder="sample-app"))
    config = load(text(found).encode())
    own = load((ROOT / "sample-app" / "mcci.yml").read_bytes())
    assert sorted(config.services) == sorted(own.services)
    for name, service in own.services.items():
        mine = config.services[name]
        assert (mine.stack, mine.depends_on, mine.folder, mine.ports) == (
            (service.stack, service.depends_on, service.folder, service.ports)
        )
    assert set(generate(config, job_templates.load(Path("nowhere"))).files) == {"master", "development", "deployment"}


def test_maven_modules() -> None:
    """Modules with a Dockerfile are services; a module that they need is a folder they depend on."""
    pom = "<project><parent><artifactId>shop</artifactId></parent><artifactId>{}</artifactId>{}</project>"
    needs = "<dependencies><dependency><artifactId>common</artifactId></dependency></dependencies>"
    config = first(
        {
            "pom.xml": "<project><artifactId>shop</artifactId><packaging>pom</packaging><modules/></project>",
            "orders/pom.xml": pom.format("orders", needs),
            "orders/Dockerfile": "FROM eclipse-temurin\nCOPY target/*.jar /app.jar\nEXPOSE 8081\n",
            "billing/pom.xml": pom.format("billing", ""),
            "billing/Dockerfile": "FROM maven AS build\nCOPY . .\nRUN mvn -q package\nFROM jre\nEXPOSE 8082/tcp 9090\n",
            "common/pom.xml": pom.format("common", ""),
        }
    )
    orders, billing = config.services["orders"], config.services["billing"]
    assert (orders.stack, orders.depends_on, orders.ports) == (Stack.MAVEN, ("common/",), {"http": 8081})
    assert (billing.stack, billing.depends_on) == (Stack.DOCKERFILE, ())
    assert billing.ports == {"http": 8082, "http-metrics": 9090}


def test_node_workspaces() -> None:
    """A workspace's packages are found by their Dockerfiles, the ones they need by their names, also through others."""
    config = first(
        {
            "package.json": '{"name": "shop", "workspaces": ["packages/*"]}',
            "packages/web/package.json": '{"name": "@shop/web", "dependencies": {"@shop/ui": "workspace:*"}}',
            "packages/web/Dockerfile": "FROM node\nCOPY dist/ /app\nEXPOSE 3000\n",
            "packages/ui/package.json": '{"name": "@shop/ui", "dependencies": {"x": "file:../tokens"}}',
            "packages/tokens/package.json": '{"name": "@shop/tokens"}',
            "node_modules/left-pad/Dockerfile": FROM,
        }
    )
    (web,) = config.services.values()
    assert (web.name, web.folder, web.stack) == ("web", "packages/web", Stack.NODE)
    assert web.depends_on == ("packages/tokens/", "packages/ui/")


def test_go_modules() -> None:
    """A module's `replace` by a folder of the repository is a dependency."""
    service = only(
        {
            "api/go.mod": "module example.com/api\n\nreplace example.com/log => ../log\n",
            "api/Dockerfile": "FROM scratch\nCOPY dist/api /api\nEXPOSE 50051\n",
            "log/go.mod": "module example.com/log\n",
        }
    )
    assert (service.stack, service.depends_on, service.ports) == (Stack.GO, ("log/",), {"grpc": 50051})


def test_python_of_all_kinds() -> None:
    """Names in pyproject.toml and setup.cfg, paths in requirements.txt and poetry's tables lead to folders."""
    config = first(
        {
            "a/pyproject.toml": PYTHON.format("a", '"Shared_Kit>=1", "httpx"'),
            "a/Dockerfile": FROM + "COPY dist/ /w\n",
            "b/setup.cfg": "[metadata]\nname = b\n[options]\ninstall_requires =\n    shared.kit\n",
            "b/Dockerfile": FROM + "COPY dist/ /w\n",
            "c/requirements.txt": "-e ../libs/kit\nhttpx # ../other\n",
            "c/Dockerfile": FROM + "COPY dist/ /w\n",
            "d/pyproject.toml": '[tool.poetry]\nname = "d"\n[tool.poetry.dependencies]\nkit = {path = "../libs/kit"}\n',
            "d/Dockerfile": FROM + "COPY . .\nRUN poetry install\n",
            "libs/kit/pyproject.toml": PYTHON.format("shared-kit", ""),
        }
    )
    assert {name: service.depends_on for name, service in config.services.items()} == dict.fromkeys(
        "abcd", ("libs/kit/",)
    )
    assert [service.stack for service in config.services.values()] == [Stack.PYTHON] * 3 + [Stack.DOCKERFILE]


def test_dockerfiles_by_other_names() -> None:
    """`web.Dockerfile`, `Dockerfile.api` and `job/docker/Dockerfile` are services; those of tools and tests are not."""
    config = first(
        {
            "docker/web.Dockerfile": FROM,
            "docker/Dockerfile.api": FROM,
            "web/index.html": "",
            "job/docker/Dockerfile": FROM,
            "job/main.py": "",
            "Dockerfile.dev": FROM,
            "tests/Dockerfile": FROM,
            "web/Dockerfile.dockerignore": "",
        }
    )
    places = {name: (service.folder, service.dockerfile_path) for name, service in config.services.items()}
    assert places == {
        "web": ("web", "docker/web.Dockerfile"),
        "api": ("docker", "docker/Dockerfile.api"),
        "job": ("job", "job/docker/Dockerfile"),
    }


def test_context_is_the_repository() -> None:
    """A Dockerfile that copies what only the root has is built from there, and depends on the folders it copies."""
    service = only({"web/Dockerfile": FROM + "COPY libs/ web/src ./\n", "libs/a": "", "web/src/b": ""})
    assert (service.build_context, service.depends_on) == (".", ("libs/",))


def test_root_service() -> None:
    """A Dockerfile in the root is the application."""
    service = only({"Dockerfile": FROM, "go.mod": "module x\n"})
    assert (service.name, service.folder, service.stack) == ("shop", ".", Stack.GO)


def test_services_of_one_name() -> None:
    """Services in folders of one name get longer names."""
    assert list(first({"eu/web/Dockerfile": FROM, "us/web/Dockerfile": FROM}).services) == ["eu-web", "us-web"]


def test_services_that_need_each_other() -> None:
    """Services that are built from each other do not become a circle that mcci itself would refuse."""
    config = first(
        {
            "a/pyproject.toml": PYTHON.format("a", '"b"'),
            "a/Dockerfile": FROM,
            "b/pyproject.toml": PYTHON.format("b", '"a"'),
            "b/Dockerfile": FROM,
        }
    )
    assert [service.depends_on for service in config.services.values()] == [(), ("a",)]


def test_without_dockerfiles() -> None:
    """Without a Dockerfile, what runs is told from the build files; without those, one service is to be described."""
    web = '{"name": "web", "dependencies": {"kit": "1"}}'
    files = {"web/package.json": web, "kit/package.json": '{"name": "kit"}'}
    assert [(service.name, service.depends_on) for service in first(files).services.values()] == [("web", ("kit/",))]
    assert list(first({}).services) == ["shop"]


def test_broken_build_files() -> None:
    """A build file that its own tool would refuse says nothing, and stops nothing."""
    broken = {
        "a/pyproject.toml": "[project\n", "b/package.json": "{", "c/pom.xml": "<project>", "d/go.mod": "\0",
        "e/setup.cfg": "x\n[[", "f/package.json": "[]", "g/pyproject.toml": "project = 1\n",
        "h/requirements.txt": "@@@\n",
        "i/package.json": '{"dependencies": []}', "j/pyproject.toml": '[project]\nname = 1\ndependencies = "x"\n',
    }  # fmt: skip
    files = {**broken, **{f"{path.split('/')[0]}/Dockerfile": FROM for path in broken}}
    assert list(first(files).services) == list("abcdefghij")


def test_surroundings() -> None:
    """GitLab's address, the application's name, branches, environments and charts are found."""
    tree = {
        "web/Dockerfile": FROM,
        "web/profiles/staging.yml": "",
        "web/profiles/live.yml": "",
        "web/profiles/local.yml": "",
        "deploy/helm/web/Chart.yaml": "",
        "deploy/helm/web/charts/redis/Chart.yaml": "",
    }
    config = first(
        tree,
        remote="https://bot:secret@gitlab.example.org:8443/team/My_Shop.git",
        default="main",
        branches=("main", "develop"),
    )
    assert (config.application, config.gitlab.url) == ("my-shop", "https://gitlab.example.org:8443")
    assert (config.branches.default, config.branches.development) == ("main", "develop")
    assert list(config.environments) == ["staging", "live"]
    assert config.charts == "deploy/helm"


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("git@gitlab.example.org:a/b.git", "https://gitlab.example.org"),
        ("ssh://git@gitlab.example.org:2222/a/b.git", "https://gitlab.example.org"),
        ("http://gitlab.local.example/a", "http://gitlab.local.example"),
        ("https://gitlab.com/a/b.git", ""), ("git@github.com:a/b.git", ""),
        ("/srv/git/a.git", ""), ("../a", ""), ("", ""),
    ],
)  # fmt: skip
def test_gitlab_s_address(remote: str, expected: str) -> None:
    """It is told from the remote, with the port that browsers use; gitlab.com needs no telling, and others are none."""
    assert gitlab_url(remote) == expected


def test_default_branch_of_another_kind() -> None:
    """A default branch that is one of the three already does not become two of them."""
    config = first({"web/Dockerfile": FROM}, default="development", branches=("development",))
    assert (config.branches.default, config.branches.development) == ("master", "development")


def test_dockerfile_in_every_style() -> None:
    """Ports through variables, continued lines, health checks, JSON forms, other stages: all are read."""
    found = parse(
        "# syntax=docker/dockerfile:1\nARG PORT=8000\nENV ADMIN 8001\nFROM a AS b\nCOPY --from=x /a /b\n"
        'COPY --chown=1:1 ["src dir", "/app/"]\nADD https://example.com/x /x\nCOPY ./lib \\\n  other/ /y/\n'
        "EXPOSE $PORT ${ADMIN}/tcp 53/udp ${NONE:-8002} 99999\n"
        "HEALTHCHECK --interval=5s CMD curl -f http://localhost:${PORT}/up || exit 1\n"
    )
    assert found.ports == (8000, 8001, 8002)
    assert found.health == "/up"
    assert found.copies == ("src dir", "lib", "other/")


def test_health_check_becomes_health() -> None:
    """The path that a Dockerfile's health check asks for is the one that mcci asks for."""
    service = only({"Dockerfile": FROM + "HEALTHCHECK CMD curl -f http://127.0.0.1:8080/up\n"})
    assert (service.health.live, service.health.ready) == ("/up", "/up")


NAMES = st.sampled_from(
    ["a", "B c", "on", "1", "web", "$x", "[id]", "ä", "\n", "x" * 120, "true", "docker", "-", "\\", "tests", ".x"]
)  # fmt: skip
FILES = st.sampled_from(
    ["Dockerfile", "Dockerfile.web", "on.Dockerfile", "pom.xml", "go.mod", "package.json", "Chart.yaml",
     "values-prod.yaml"]
)  # fmt: skip
TEXTS = st.sampled_from(
    ["", FROM, "COPY . .\n", "COPY a/ B*/ ../web /x\nEXPOSE 1 2 3 443\n", "module a\nreplace b => ../a\n",
     '{"name": "a", "dependencies": {"a": "file:../a"}}', "<project><artifactId>a</artifactId></project>"]
)  # fmt: skip


@settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.dictionaries(st.tuples(st.lists(NAMES, max_size=3).map(tuple), FILES), TEXTS, max_size=6), NAMES, NAMES)
def test_any_repository(files: dict[Any, str], folder: str, branch: str) -> None:
    """Whatever the folders are called and the files hold, what is written loads."""
    paths = {"/".join([*folders, name]): each for (folders, name), each in files.items()}
    assert first(paths, folder=folder, default=branch, branches=(branch,), remote=f"git@host.example:{folder}").services
