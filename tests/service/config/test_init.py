"""`mcci init` and the facts of a checkout, in repositories that a real git made."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from mcci.__main__ import run
from mcci.clients import repository
from mcci.errors import ExitCode, UsageError

ROOT = Path(__file__).parents[3]


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository on the branch `main`, with a remote and one commit."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "remote", "add", "origin", "git@gitlab.example.org:team/vehicles.git")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--allow-empty", "--message", "one")
    return folder


def test_init(checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In a copy of the sample application it finds the services, the remote and the branch; the result generates."""
    ignored = shutil.ignore_patterns("mcci.yml", ".venv", "__pycache__", "dist", ".gitlab-ci.yml", "*.pyc")
    shutil.copytree(ROOT / "sample-app", checkout, dirs_exist_ok=True, ignore=ignored)
    monkeypatch.chdir(checkout)
    assert run(["init"]) == ExitCode.DONE
    assert "found 6 services: api-gateway, position-simulator, " in capsys.readouterr().out
    config = repository.load_config(Path("mcci.yml"))
    assert (config.application, config.gitlab.url) == ("vehicles", "https://gitlab.example.org")
    assert config.branches.default == "main"
    assert {service.depends_on for service in config.services.values()} == {("servicekit/",)}
    assert run(["generate", "--all", "--output", "generated"]) == ExitCode.DONE
    assert sorted(path.name for path in Path("generated").iterdir()) == ["deployment", "development", "main"]


def test_the_editor_s_schema_is_beside_it(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first line names a schema that is there, and that takes the file."""
    monkeypatch.chdir(checkout)
    assert run(["init"]) == ExitCode.DONE
    first = Path("mcci.yml").read_text(encoding="utf-8").splitlines()[0]
    schema = json.loads(Path(first.removeprefix("# yaml-language-server: $schema=")).read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(YAML(typ="safe").load(Path("mcci.yml")))


def test_nothing_is_overwritten(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is there stays as it is, unless --force is given."""
    monkeypatch.chdir(checkout)
    Path("mcci.yml").write_text("precious")
    assert run(["init"]) == ExitCode.USAGE
    assert capsys.readouterr().err == "error: mcci.yml is there already; --force writes over it.\n"
    assert Path("mcci.yml").read_text() == "precious"
    assert not Path(".mcci").exists()
    assert run(["init", "--force"]) == ExitCode.DONE
    assert repository.load_config(Path("mcci.yml")).application == "vehicles"


def test_outside_of_a_checkout(tmp_path: Path) -> None:
    """Without git the folder's name is the application's, and --output says which folder is meant."""
    folder = tmp_path / "My Shop"
    (folder / "web").mkdir(parents=True)
    (folder / "web" / "Dockerfile").write_text("FROM scratch\nEXPOSE 3000\n")
    assert run(["init", "--output", str(folder / "mcci.yml")]) == ExitCode.DONE
    config = repository.load_config(folder / "mcci.yml")
    assert (config.application, config.services["web"].ports) == ("my-shop", {"http": 3000})


def test_project_in_a_larger_repository(checkout: Path) -> None:
    """A project below the checkout's top takes neither the remote's name nor its branches for its own."""
    (checkout / "shop" / "web").mkdir(parents=True)
    (checkout / "shop" / "web" / "Dockerfile").write_text("FROM scratch\n")
    assert run(["init", "--output", str(checkout / "shop" / "mcci.yml")]) == ExitCode.DONE
    config = repository.load_config(checkout / "shop" / "mcci.yml")
    assert (config.application, config.gitlab.url, list(config.services)) == ("shop", "", ["web"])


def test_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that does not exist is said to be none, and is not made."""
    assert run(["init", "--output", str(tmp_path / "none" / "mcci.yml")]) == ExitCode.USAGE
    assert capsys.readouterr().err == f"error: {tmp_path / 'none'} is no folder.\n"
    assert not (tmp_path / "none").exists()


def test_facts_of_a_checkout(checkout: Path) -> None:
    """The top, the branch, the branches and the remote are git's own; on a detached head there is no branch."""
    (checkout / "below").mkdir()
    git(checkout, "branch", "develop")
    assert repository.root(checkout / "below") == checkout
    assert repository.branch(checkout) == "main"
    assert repository.branches(checkout) == ("develop", "main")
    assert repository.remote(checkout) == "git@gitlab.example.org:team/vehicles.git"
    assert repository.default_branch(checkout) is None
    git(checkout, "checkout", "--quiet", "--detach")
    assert repository.branch(checkout) is None


def test_facts_of_a_clone(checkout: Path, tmp_path: Path) -> None:
    """A clone knows the remote's default branch, whatever is checked out."""
    git(tmp_path, "clone", "--quiet", str(checkout), "clone")
    clone = tmp_path / "clone"
    git(clone, "checkout", "--quiet", "-b", "feature/x")
    assert (repository.default_branch(clone), repository.branch(clone)) == ("main", "feature/x")
    assert repository.branches(clone) == ("feature/x", "main")


def test_only_remote(checkout: Path) -> None:
    """A remote of another name counts when it is the only one."""
    git(checkout, "remote", "rename", "origin", "upstream")
    assert repository.remote(checkout) == "git@gitlab.example.org:team/vehicles.git"
    git(checkout, "remote", "add", "fork", "git@gitlab.example.org:me/vehicles.git")
    assert repository.remote(checkout) is None


def test_no_checkout(tmp_path: Path) -> None:
    """Outside of a checkout the error repeats git's reason."""
    with pytest.raises(UsageError, match="is in no git checkout that can be used: not a git repository"):
        repository.root(tmp_path)


def test_no_git(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git on PATH the error says so."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="git is needed"):
        repository.root(checkout)
