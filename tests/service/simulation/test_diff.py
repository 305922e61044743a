"""`mcci diff REV` in a real repository: what would run is compared, and told as a comment on a merge request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """\
version: 1
application: shop
services:
  cart: {}
clusters:
  prod-aws: {cloud: aws, region: eu-south-1}
environments:
  production: {waves: [[prod-aws]]}
"""
GENERATED = """\
### Pipelines compared with `HEAD`

<details><summary><b>a push to development; a trigger on development</b>: 3 added</summary>

| | job | what |
|---|---|---|
| ➕ | development → build pay | stage build |
| ➕ | development → test pay | stage test |
| ➕ | development → push pay | stage push |

</details>
<details><summary><b>a merge request from feature into development</b>: 2 added</summary>

| | job | what |
|---|---|---|
| ➕ | development → build pay | stage build |
| ➕ | development → test pay | stage test |

</details>
<details><summary><b>a push to deployment; a trigger on deployment</b>: 6 added</summary>

| | job | what |
|---|---|---|
| ➕ | deployment → canary pay 10 | stage canary; manual |
| ➕ | deployment → canary pay 25 | stage canary; manual |
| ➕ | deployment → canary pay 50 | stage canary; manual |
| ➕ | deployment → canary pay 100 | stage canary; manual |
| ➕ | deployment → promote pay | stage canary; manual |
| ➕ | deployment → abort pay | stage rollback; manual |

</details>
"""

OLD = {
    ".gitlab-ci.yml": """\
include: [{local: ci/lint.yml}]
stages: [test, deploy]
unit: {stage: test, script: [make test]}
child: {stage: deploy, trigger: {include: ci/child.yml}, rules: [{if: $CI_COMMIT_TAG}]}
""",
    "ci/lint.yml": "lint: {stage: test, script: [make lint]}\n",
    "ci/child.yml": "ship: {script: [make ship]}\n",
}
NEW = {
    "ci/lint.yml": """\
lint: {stage: test, script: [make lint], allow_failure: true}
'a|<b>': {stage: test, script: [x], rules: [{if: $CI_MERGE_REQUEST_IID}]}
""",
    "ci/child.yml": "ship: {script: [make ship], when: manual}\n",
}
PLAIN = """\
### Pipelines compared with `HEAD~1`

<details><summary><b>a push to main; a trigger on main; a push to feature; a schedule on main; \
a run by hand on main; the API on main</b>: 1 changed</summary>

| | job | what |
|---|---|---|
| ✏️ | lint | allow_failure: false → true |

</details>
<details><summary><b>a merge request from feature into main</b>: 1 added</summary>

- there was no pipeline (no job is in it: the pipeline would be empty), now there is one

| | job | what |
|---|---|---|
| ➕ | a\\|&lt;b> | stage test |

</details>
<details><summary><b>a push of tag v1.0.0</b>: 2 changed</summary>

| | job | what |
|---|---|---|
| ✏️ | lint | allow_failure: false → true |
| ✏️ | child → ship | when: on_success → manual; allow_failure: false → true |

</details>
"""


class Repository:
    """A git repository, and mcci run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1"}
        folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> None:
        """Run git with a name, whatever the machine's settings."""
        name = ["-c", "user.name=test", "-c", "user.email=test@mcci.example"]
        subprocess.run(
            ["git", *name, *arguments], cwd=self.folder, env=self.environment, check=True, capture_output=True
        )

    def commit(self, files: dict[str, str]) -> None:
        """Write the files and commit them."""
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a change")

    def diff(self, *arguments: str, below: str = ".") -> subprocess.CompletedProcess[str]:
        """Run `mcci diff` in a folder of the repository."""
        command = [sys.executable, "-m", "mcci", "diff", *arguments]
        return subprocess.run(
            command, cwd=self.folder / below, env=self.environment, capture_output=True, text=True, encoding="utf-8"
        )


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work")


def test_generated_pipelines(repository: Repository) -> None:
    """With an mcci.yml, a service added to it and not committed is told by the jobs it brings to each branch."""
    repository.commit({"mcci.yml": CONFIG})
    (repository.folder / "mcci.yml").write_text(CONFIG.replace("cart: {}", "cart: {}\n  pay: {}"))
    done = repository.diff("HEAD")
    assert (done.returncode, done.stdout) == (0, GENERATED), done.stderr


def test_a_gitlab_ci_file(repository: Repository) -> None:
    """Without one, two versions of .gitlab-ci.yml are compared, with what they include and their children."""
    repository.commit(OLD)
    repository.commit(NEW)
    done = repository.diff("HEAD~1")
    assert (done.returncode, done.stdout) == (0, PLAIN), done.stderr


def test_one_event(repository: Repository) -> None:
    """An event that is named is the only one compared, and JSON says the same."""
    repository.commit(OLD)
    repository.commit(NEW)
    done = repository.diff("HEAD~1", "tag", "--format", "json")
    (event,) = json.loads(done.stdout)["events"]
    assert (event["source"], event["ref"]) == ("push", "v1.0.0")
    assert [(each["pipeline"], each["job"], each["kind"]) for each in event["changes"]] == [
        ("", "lint", "changed"),
        ("child", "ship", "changed"),
    ]


def test_a_folder_of_the_repository(repository: Repository) -> None:
    """A configuration below the repository's root is compared with the same folder of the commit."""
    repository.commit({f"app/{name}": text for name, text in OLD.items()})
    repository.commit({f"app/{name}": text for name, text in NEW.items()})
    done = repository.diff("HEAD~1", "--directory", "app")
    assert (done.returncode, done.stdout) == (0, PLAIN), done.stderr
    assert repository.diff("HEAD~1", below="app").stdout == done.stdout


def test_nothing_changed(repository: Repository) -> None:
    """Two versions that run the same jobs are said to, whatever else the commit changed."""
    repository.commit(OLD)
    repository.commit({"README.md": "# New\n"})
    assert repository.diff("HEAD~1").stdout == (
        "### Pipelines compared with `HEAD~1`\n\nEvery event runs the same jobs.\n"
    )


def test_no_such_commit(repository: Repository) -> None:
    """A revision that is none is an error that names it."""
    repository.commit(OLD)
    done = repository.diff("no-such")
    assert done.returncode == 2
    assert "there is no commit 'no-such' here" in done.stderr
    assert "Traceback" not in done.stderr
