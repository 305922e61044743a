"""The local GitLab over HTTP: python-gitlab, git and the runner protocol, with the limits of each token."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Any

import gitlab
import httpx
import pytest
from gitlab.exceptions import (
    GitlabAuthenticationError,
    GitlabCreateError,
    GitlabGetError,
    GitlabJobPlayError,
    GitlabListError,
)

from mcci.rehearsal.gitlab.model import Access, Protection
from tests.service.rehearsal.conftest import DEVELOPER, GUEST, MAINTAINER, git, remote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mcci.rehearsal.gitlab.model import User
    from mcci.rehearsal.gitlab.site import Site

CONFIGURATION = """
spec:
  inputs:
    release: {default: none, regex: '^[a-z0-9]+$'}
---
stages: [build, deploy]
build:
  stage: build
  script: [echo "$CI_COMMIT_BRANCH $[[ inputs.release ]]"]
  artifacts: {paths: [out]}
deploy:
  stage: deploy
  script: [echo deployed]
  environment: production
  rules: [{when: manual}]
"""


@pytest.fixture
def checkout(pushed: Callable[[Mapping[str, str]], Path]) -> Path:
    """Push a first commit to main, as the maintainer."""
    return pushed({".gitlab-ci.yml": CONFIGURATION})


def client(site: Site, user: User = MAINTAINER) -> Any:
    """Return the project, through python-gitlab."""
    return gitlab.Gitlab(site.url, private_token=user.token).projects.get("vehicles/app")


def take(site: Site) -> dict[str, Any]:
    """Take a job as a runner does."""
    answer = httpx.post(f"{site.url}/api/v4/jobs/request", json={"token": site.settings.runner_token})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def put(site: Site, job: dict[str, Any], state: str, **more: Any) -> httpx.Response:
    """Say how a job ended."""
    return httpx.put(f"{site.url}/api/v4/jobs/{job['id']}", json={"token": job["token"], "state": state, **more})


def test_a_push_starts_a_pipeline(site: Site, checkout: Path) -> None:
    """A push over HTTP makes a pipeline of its commit, and a runner's word moves it on to the manual job."""
    project = client(site)
    (pipeline,) = project.pipelines.list(get_all=True)
    assert (pipeline.status, pipeline.source, pipeline.sha) == (
        "pending",
        "push",
        git(checkout, "rev-parse", "main").strip(),
    )
    job = take(site)
    values = {each["key"]: each["value"] for each in job["variables"]}
    assert values["CI_COMMIT_BRANCH"] == "main"
    assert job["steps"][0]["script"] == ['echo "$CI_COMMIT_BRANCH none"']
    headers = {"JOB-TOKEN": job["token"], "Content-Range": "0-4"}
    answer = httpx.patch(f"{site.url}/api/v4/jobs/{job['id']}/trace", content=b"hello", headers=headers)
    assert (answer.status_code, answer.headers["job-status"]) == (202, "running")
    assert put(site, job, "success").status_code == 200
    assert project.jobs.get(job["id"]).trace() == b"hello"
    assert project.pipelines.get(pipeline.id).status == "manual"
    (deploy,) = project.pipelines.get(pipeline.id).jobs.list(scope="manual", get_all=True)
    project.jobs.get(deploy.id).play()
    put(site, take(site), "success")
    assert project.pipelines.get(pipeline.id).status == "success"
    (environment,) = project.environments.list(get_all=True)
    assert (environment.name, environment.tier) == ("production", "production")
    assert project.deployments.list(get_all=True)[0].status == "success"


def test_a_trigger_with_inputs(site: Site, checkout: Path) -> None:
    """A job's token and a trigger token start a pipeline with inputs; a wrong input is refused in GitLab's way."""
    project = client(site)
    job = take(site)
    url = f"{site.url}/api/v4/projects/1/trigger/pipeline"
    by_job = httpx.post(url, json={"token": job["token"], "ref": "main", "inputs": {"release": "abc1"}})
    assert (by_job.status_code, by_job.json()["source"]) == (201, "pipeline")
    assert take(site)["steps"][0]["script"] == ['echo "$CI_COMMIT_BRANCH abc1"']
    token = project.triggers.create({"description": "deliver"})
    by_token = httpx.post(url, data={"token": token.token, "ref": "main", "variables[KEY]": "value"})
    assert (by_token.status_code, by_token.json()["source"]) == (201, "trigger")
    pipeline = project.pipelines.get(by_token.json()["id"])
    assert [(each.key, each.value) for each in pipeline.variables.list()] == [("KEY", "value")]
    wrong = httpx.post(url, json={"token": token.token, "ref": "main", "inputs": {"release": "No!"}})
    assert wrong.status_code == 400
    assert "release" in wrong.json()["message"]["base"][0]
    assert httpx.post(url, json={"token": "glptt-wrong", "ref": "main"}).status_code == 404
    assert httpx.post(url, json={"token": token.token, "ref": "nowhere"}).json() == {
        "message": {"base": ["Reference not found"]}
    }


def test_a_job_token_is_not_a_person(site: Site, checkout: Path) -> None:
    """A job's token reads its own job and its pipeline's jobs, clones, and does nothing else; it ends with the job."""
    job = take(site)
    headers = {"JOB-TOKEN": job["token"]}
    api = f"{site.url}/api/v4"
    assert httpx.get(f"{api}/job", headers=headers).json()["id"] == job["id"]
    assert httpx.get(f"{api}/projects/1/pipelines/1/jobs", headers=headers).status_code == 200
    for path in ("projects/1/pipelines/1", "projects/1/jobs/1", "projects/1/variables", "projects/1"):
        assert httpx.get(f"{api}/{path}", headers=headers).status_code == 404, path
    url = job["git_info"]["repo_url"]
    git(checkout, "ls-remote", url)
    push = subprocess.run(["git", "push", "-q", url, "main:other"], cwd=checkout, capture_output=True, check=False)
    assert push.returncode != 0
    put(site, job, "failed", exit_code=7, failure_reason="script_failure")
    assert httpx.get(f"{api}/job", headers=headers).status_code == 401
    found = client(site).jobs.get(job["id"])
    assert (found.status, found.failure_reason) == ("failed", "script_failure")


def test_people_have_their_limits(site: Site, checkout: Path) -> None:
    """No token, a wrong one, a guest, a developer on a protected branch: each is told no, and nothing happens."""
    with pytest.raises(GitlabAuthenticationError):
        gitlab.Gitlab(site.url, private_token="glpat-wrong").projects.get(1)
    with pytest.raises(GitlabGetError, match="403"):
        client(site, GUEST)
    developer = client(site, DEVELOPER)
    with pytest.raises(GitlabCreateError, match="sufficient permission"):
        developer.pipelines.create({"ref": "main"})
    with pytest.raises(GitlabListError, match="403"):
        developer.variables.list()
    (checkout / "more").write_text("more")
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "more")
    push = subprocess.run(
        ["git", "push", remote(site, DEVELOPER), "main"], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert push.returncode != 0
    assert "protected branches" in push.stderr
    git(checkout, "push", "-q", remote(site, DEVELOPER), "main:topic")
    assert len(client(site).pipelines.list(get_all=True)) == 2
    site.settings.protected["main"] = Protection(name="main", push=Access.NONE, merge=Access.DEVELOPER)
    assert client(site, DEVELOPER).pipelines.create({"ref": "main"}).ref == "main"


def test_wildcards_protect(site: Site, checkout: Path) -> None:
    """`release/*` protects every such branch from those it does not let in; nobody forces or deletes them by git."""
    site.settings.protected["release/*"] = Protection(name="release/*", push=Access.MAINTAINER)
    site.settings.protected["release/[1]"] = Protection(name="release/[1]", push=Access.DEVELOPER)

    def push(user: User, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "push", remote(site, user), *arguments], cwd=checkout, capture_output=True, text=True, check=False
        )
        return done.stderr if done.returncode else ""

    assert "protected branches" in push(DEVELOPER, "main:release/1")
    assert "protected branches" in push(DEVELOPER, "main:refs/heads/release/a/b")
    assert push(DEVELOPER, "main:releases", "main:refs/tags/release/tag") == ""
    assert push(MAINTAINER, "main:release/1") == ""
    assert client(site).branches.get("release/1").protected
    git(checkout, "commit", "-q", "--amend", "-m", "another")
    assert "force push" in push(MAINTAINER, "--force", "main:release/1")
    assert "delete protected branches" in push(MAINTAINER, ":release/1")
    site.settings.protected["release/1"] = Protection(name="release/1", push=Access.DEVELOPER, allow_force_push=True)
    assert push(DEVELOPER, "--force", "main:release/1") == ""


def test_odd_requests_are_refused(site: Site, checkout: Path) -> None:
    """Tokens and parameters that make no sense are answered in GitLab's words, never with a server's error."""
    project, api = f"{site.url}/api/v4/projects/1", f"{site.url}/api/v4"
    headers = {"PRIVATE-TOKEN": MAINTAINER.token}

    def said(path: str, body: object, status: int = 400, **more: Any) -> Any:
        answer = httpx.post(path, json=body, headers=headers, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    assert httpx.get(api + "/user", headers={b"PRIVATE-TOKEN": "glpat-é".encode()}).status_code == 401
    assert said(api + "/jobs/request", {"token": "glrt-é"}, 403) == {"message": "403 Forbidden"}
    lone = httpx.post(project + "/trigger/pipeline", content=rb'{"token": "\ud800", "ref": "main"}', headers=headers)
    assert lone.status_code == 400  # no JSON without its content type
    headers["Content-Type"] = "application/json"
    lone = httpx.post(project + "/trigger/pipeline", content=rb'{"token": "\ud800", "ref": "main"}', headers=headers)
    assert lone.status_code == 400
    assert said(project + "/pipeline", {"ref": "main", "variables": [{"value": "1"}]}) == {
        "error": "variables[0][key] is missing"
    }
    assert said(project + "/pipeline", {"ref": "main", "variables": "A=1"}) == {"error": "variables is invalid"}
    assert said(project + "/pipeline", {"ref": "main", "inputs": ["a"]}) == {"error": "inputs is invalid"}
    token = client(site).triggers.create({"description": "deliver"}).token
    for variables, answer in (
        ([{"key": "A"}], {"error": "variables is invalid"}),
        ({"A": 1}, {"message": "variables needs to be a map of key-valued strings"}),
    ):
        assert said(project + "/trigger/pipeline", {"token": token, "ref": "main", "variables": variables}) == answer
    put(site, take(site), "success")
    (deploy,) = client(site).pipelines.get(1).jobs.list(scope="manual", get_all=True)
    given = {"job_variables_attributes": [{"key": "A", "value": "1"}, {"key": "B"}]}
    assert said(f"{project}/jobs/{deploy.id}/play", given) == {"error": "job_variables_attributes[1][value] is missing"}
    runner = {"token": site.settings.runner_token}
    assert said(api + "/jobs/request", {**runner, "wait": "soon"}) == {"error": "wait is invalid"}
    assert httpx.post(api + "/jobs/request", json={**runner, "info": "odd"}).status_code == 204


def test_tokens_and_protected_environments(site: Site, checkout: Path) -> None:
    """Deploy tokens and agents' tokens are shown once; to a protected environment only those let in deploy."""
    project = client(site)
    made = project.deploytokens.create({"name": "images", "scopes": ["read_registry"]})
    assert made.token.startswith("gldt-")
    assert "token" not in project.deploytokens.list(get_all=True)[0].attributes
    with pytest.raises(GitlabCreateError, match="scopes"):
        project.deploytokens.create({"name": "images", "scopes": ["everything"]})
    project.deploytokens.delete(made.id)
    agent = project.cluster_agents.create({"name": "prod"})
    path = f"/projects/1/cluster_agents/{agent.id}/tokens"
    for name in ("one", "two"):
        assert project.manager.gitlab.http_post(path, post_data={"name": name})["token"].startswith("glagent-")
    with pytest.raises(gitlab.GitlabHttpError, match="two active tokens"):
        project.manager.gitlab.http_post(path, post_data={"name": "three"})
    assert len(project.manager.gitlab.http_list(path, get_all=True)) == 2
    project.cluster_agents.delete(agent.id)
    assert site.settings.agent_tokens == {}
    project.protected_environments.create(
        {"name": "production", "deploy_access_levels": [{"access_level": Access.MAINTAINER}]}
    )
    git(checkout, "push", "-q", remote(site, DEVELOPER), "main:topic")
    for _ in range(2):
        put(site, take(site), "success")
    (deploy,) = project.pipelines.get(2).jobs.list(scope="manual", get_all=True)
    with pytest.raises(GitlabJobPlayError, match="403"):
        client(site, DEVELOPER).jobs.get(deploy.id).play()
    project.protected_environments.delete("production")
    client(site, DEVELOPER).jobs.get(deploy.id).play()


def test_a_configuration_with_an_error(site: Site, pushed: Callable[[Mapping[str, str]], Path]) -> None:
    """What is wrong is said in GitLab's words with its place: for a push, a pipeline that is asked for, and CI lint."""
    pushed({".gitlab-ci.yml": "stages: [build]\njob:\n  stage: deploy\n  script: [make]\n"})
    said = ".gitlab-ci.yml:3:10: job: chosen stage 'deploy' does not exist"
    assert site.refused["main"].startswith(said)
    project = client(site)
    assert project.pipelines.list(get_all=True) == []
    with pytest.raises(GitlabCreateError, match="chosen stage 'deploy' does not exist"):
        project.pipelines.create({"ref": "main"})
    linted = project.ci_lint.get()
    assert (linted.valid, linted.errors[0].startswith(said)) == (False, True)
    pushed({".gitlab-ci.yml": "job: {script: [make]}"})
    assert site.refused == {}
    assert len(project.pipelines.list(get_all=True)) == 1


def test_merge_requests(site: Site, checkout: Path) -> None:
    """A merge request is opened once, merged by who may, and the merge is a push of its own."""
    git(checkout, "checkout", "-qb", "topic")
    (checkout / "topic.txt").write_text("topic")
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "topic")
    git(checkout, "push", "-q", remote(site, MAINTAINER), "topic")
    project = client(site)
    wanted = {"source_branch": "topic", "target_branch": "main", "title": "Topic"}
    request = project.mergerequests.create(wanted)
    with pytest.raises(GitlabCreateError, match="already exists"):
        project.mergerequests.create(wanted)
    request.merge()
    assert project.mergerequests.get(request.iid).state == "merged"
    newest = project.pipelines.list(get_all=True)[0]
    assert (newest.ref, newest.source, newest.sha) == ("main", "push", project.branches.get("main").commit["id"])


def test_variables(site: Site, checkout: Path) -> None:
    """Variables are made, scoped, masked, hidden and deleted as in GitLab; a value too short to mask is refused."""
    project = client(site)
    project.variables.create({"key": "TOKEN", "value": "12345678", "masked": True, "protected": True})
    project.variables.create({"key": "TOKEN", "value": "87654321", "environment_scope": "production"})
    with pytest.raises(GitlabCreateError, match="already been taken"):
        project.variables.create({"key": "TOKEN", "value": "again"})
    with pytest.raises(GitlabCreateError, match="invalid"):
        project.variables.create({"key": "SHORT", "value": "1234", "masked": True})
    found = project.variables.get("TOKEN", filter={"environment_scope": "production"})
    assert (found.value, found.masked) == ("87654321", False)
    project.variables.create({"key": "HIDDEN", "value": "secret-value", "masked_and_hidden": True})
    assert project.variables.get("HIDDEN").value is None
    project.variables.delete("HIDDEN")
    assert len(project.variables.list(get_all=True)) == 2


def test_pages(site: Site, checkout: Path) -> None:
    """A long list comes in pages, which python-gitlab follows to the end."""
    project = client(site)
    for number in range(30):
        project.environments.create({"name": f"review/{number}"})
    assert len(project.environments.list(get_all=True)) == 30
    assert len(project.environments.list(per_page=7, page=5, get_all=False)) == 2
    by_path = project.manager.gitlab.projects.get("vehicles/app", lazy=True)
    assert len(by_path.environments.list(get_all=True)) == 30
    url = f"{site.url}/api/v4/projects/vehicles%2Fapp/environments"
    answer = httpx.get(url, headers={"PRIVATE-TOKEN": MAINTAINER.token})
    assert answer.links["next"]["url"] == f"{url}?page=2&per_page=20"


def test_artifacts(site: Site, checkout: Path) -> None:
    """What a job hands over is what the next one gets, what people download, and one file of it."""
    import io
    import zipfile

    job = take(site)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("out/app.txt", "built")
    url = f"{site.url}/api/v4/jobs/{job['id']}/artifacts"
    headers = {"JOB-TOKEN": job["token"]}
    data = {"artifact_type": "archive", "artifact_format": "zip"}
    files = {"file": ("artifacts.zip", buffer.getvalue())}
    assert httpx.post(url, headers=headers, data=data, files=files).status_code == 201
    put(site, job, "success")
    project = client(site)
    found = project.jobs.get(job["id"])
    assert found.artifact("out/app.txt") == b"built"
    assert found.artifacts() == buffer.getvalue()
    (deploy,) = project.pipelines.get(1).jobs.list(scope="manual", get_all=True)
    project.jobs.get(deploy.id).play()
    (dependency,) = take(site)["dependencies"]
    assert (dependency["id"], dependency["artifacts_file"]["filename"]) == (job["id"], "artifacts.zip")


def test_a_runner_waits_for_a_job(site: Site, checkout: Path) -> None:
    """A runner that asks while nothing is pending is answered as soon as something is."""
    put(site, take(site), "success")
    begun = time.monotonic()
    url = f"{site.url}/api/v4/jobs/request"
    assert httpx.post(url, json={"token": site.settings.runner_token}).status_code == 204
    assert time.monotonic() - begun < 5
    assert httpx.post(url, json={"token": "glrt-wrong"}).status_code == 403
    import threading

    timer = threading.Timer(0.3, lambda: client(site).pipelines.create({"ref": "main"}))
    timer.start()
    answer = httpx.post(url, json={"token": site.settings.runner_token, "wait": 20}, timeout=30)
    timer.join()
    assert answer.status_code == 201
