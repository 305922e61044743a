"""`mcci build` against a real engine and real registries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mcci.clients.registry import reference
from tests.service.engine.project import DOCKERFILE
from tests.service.registry import faults
from tests.service.registry.faults import Fault

if TYPE_CHECKING:
    from tests.service.engine.project import Project


def test_a_candidate_is_built_and_pushed(project: Project) -> None:
    """The image is in the candidates' registry under its digest and its commit, and says where it comes from."""
    done = project.mcci(
        "build", "web", CI_PROJECT_URL="https://gitlab.example.com/g/shop", CI_PIPELINE_URL="https://x/1"
    )
    assert done.returncode == 0, done.stderr
    commit = project.git("rev-parse", "HEAD").strip()
    image = project.candidate()
    assert done.stdout.split() == ["built", "web", str(image)]
    assert image.name == f"{project.candidates.host}/{project.name}/web"
    assert project.tags(f"{project.name}/web") == sorted([commit, "latest"])
    with project.registry(project.candidates) as registry:
        pushed = registry.head(image.at(commit))
        base = registry.head(reference.parse(project.base))
    assert pushed is not None
    assert base is not None
    assert pushed.digest == image.digest
    body = json.loads((project.root / "candidates/web.json").read_text())
    labels = project.labels()
    assert labels["org.opencontainers.image.revision"] == commit
    assert labels["org.opencontainers.image.title"] == "web"
    assert labels["org.opencontainers.image.source"] == "https://gitlab.example.com/g/shop"
    assert labels["org.opencontainers.image.base.digest"] == base.digest
    assert labels["io.mcci.content-tag"] == body["content_tag"]
    assert labels["io.mcci.pipeline"] == "https://x/1"
    assert project.tags(f"{project.name}/web", project.hub) == []  # nothing untested is there


def test_what_the_context_holds(project: Project) -> None:
    """What a compile job left is in the image though git ignores it; what .dockerignore names is not."""
    (project.root / ".gitignore").write_text("dist/\n")
    for name in ("dist/made.whl", "secret.txt", "notes/a.md"):
        (project.root / "web" / name).parent.mkdir(exist_ok=True)
        (project.root / "web" / name).write_text("x")
    (project.root / "web/.dockerignore").write_text("# no\nsecret.txt\n**/*.md\nDockerfile\n")
    project.service("web", DOCKERFILE + "RUN ls -a /app /app/notes > /listing; cat /listing\n")
    project.configure()
    project.commit()
    done = project.mcci("build", "web")
    assert done.returncode == 0, done.stderr
    listing = done.stderr.split("/listing\n", 1)[1].split("Removing")[0]
    assert "dist" in listing
    assert "app.py" in listing
    for name in ("secret.txt", "a.md", "Dockerfile", ".mcci"):
        assert name not in listing


def test_merge_requests_have_their_own_place(project: Project) -> None:
    """A merge request's candidate is under mr/, apart from those of protected branches."""
    done = project.mcci("build", "web", CI_MERGE_REQUEST_ID="7")
    assert done.returncode == 0, done.stderr
    assert project.candidate().name == f"{project.candidates.host}/{project.name}/mr/web"
    assert project.tags(f"{project.name}/web") == []


def test_what_is_released_is_not_built_again(project: Project) -> None:
    """An image in the release registry is not built again by another commit: no engine is asked, and nothing pushed."""
    assert project.mcci("build", "web").returncode == 0
    assert project.mcci("test", "web").returncode == 0
    pushed = project.mcci("push", "web")
    assert pushed.returncode == 0, pushed.stderr
    digest = project.candidate().digest
    (project.root / "README").write_text("of no service")
    project.commit()
    done = project.mcci("build", "web", "--format", "json", DOCKER_HOST="unix:///nothing/here")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["services"]
    assert entry["unchanged"]
    assert project.candidate().digest == digest
    assert project.candidate().name == f"{project.hub.host}/{project.name}/web"
    tested = project.mcci("test", "web", DOCKER_HOST="unix:///nothing/here")
    assert tested.returncode == 0, tested.stderr
    assert "unchanged" in (project.root / "reports/web.xml").read_text()
    forced = project.mcci("build", "web", "--force")
    assert forced.returncode == 0, forced.stderr
    assert project.candidate().name == f"{project.candidates.host}/{project.name}/web"


def test_explain_names_the_reason(project: Project) -> None:
    """--explain says why: the first time, then the file, the setting and the base image that changed."""
    first = project.mcci("build", "web", "--explain", DOCKER_HOST="unix:///nothing/here")
    assert "no image of it was released" in first.stdout
    for command in ("build", "test", "push"):
        done = project.mcci(command, "web")
        assert done.returncode == 0, done.stderr
    same = project.mcci("build", "web", "--explain")
    assert "web is not built" in same.stdout
    (project.root / "web/app.py").write_text("changed")
    (project.root / "web/new").write_text("x")
    (project.root / "web/new").chmod(0o755)
    other = project.base.replace(":1", ":2")
    project.docker("tag", project.base, f"{other}")
    project.docker("build", "-q", "-t", other, "--label", "a=b", "-f", "web/Dockerfile", "--build-arg",
                   f"BASE_IMAGE={project.base}", str(project.root / "web"))  # fmt: skip
    project.docker("push", "-q", other)
    project.base = other
    project.configure()
    project.commit()
    done = project.mcci("build", "web", "--explain", "--format", "json")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["services"]
    assert entry["build"]
    reasons = {(each["cause"], each["what"]) for each in entry["reasons"]}
    first_base = project.base.replace(":2", ":1")
    assert reasons == {
        ("file", "web/app.py"), ("file", "web/new"), ("setting", "build_args"), ("base", first_base), ("base", other),
    }  # fmt: skip


def test_the_last_image_is_the_cache(project: Project) -> None:
    """On an engine that has nothing, the layers of the last image are used again."""
    project.service("web", DOCKERFILE + "RUN cat /app/app.py | ls > /made\n")
    project.configure()
    project.commit()
    assert project.mcci("build", "web").returncode == 0
    for image in project.docker("images", "-q", f"{project.candidates.host}/{project.name}/web").split():
        project.docker("rmi", "-f", image)
    done = project.mcci("build", "web")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Using cache") >= 4, done.stderr
    fresh = project.mcci("build", "web", "--no-cache")
    assert fresh.returncode == 0, fresh.stderr
    assert "Using cache" not in fresh.stderr


def test_a_job_log_has_sections(project: Project) -> None:
    """In a GitLab job the log lies in collapsed sections, and the result stands open after them."""
    done = project.mcci("build", "web", GITLAB_CI="true")
    assert done.returncode == 0, done.stderr
    assert "section_start:" in done.stderr
    assert ":mcci_build_web[collapsed=true]" in done.stderr
    assert ":mcci_push_web[collapsed=true]" in done.stderr
    assert done.stderr.count("section_start") == done.stderr.count("section_end") == 2


def test_the_pull_limit_is_told(project: Project) -> None:
    """Where the base image's registry limits pulls, as Docker Hub does, it is said how many are left."""
    with faults.before(project.candidates) as proxy:
        told = {"Docker-Content-Digest": "sha256:" + "a" * 64, "ratelimit-limit": "100;w=21600"}
        told["ratelimit-remaining"] = "76;w=21600"
        proxy.faults = [Fault(method="HEAD", path="/v2/base/manifests/", status=200, headers=told)]
        project.base = project.base.replace(project.candidates.host, proxy.host)
        project.configure()
        project.commit()
        done = project.mcci("build", "web", "--explain")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [f"{proxy.host}: 76 of 100 pulls in 6 h are left"]
