"""Every command line that a page shows in a `console` block is run, in order, and does what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import NAMES, ROOT, Step, page, pattern

ELSEWHERE = {  # what needs more than a folder to run in
    "clusters": ROOT / "tests/service/clusters/test_page.py",
    "mesh": ROOT / "tests/service/istio/test_page.py",
}
RUN = [name for name in NAMES if page(name).steps and page(name).place not in ELSEWHERE]
BIN = Path(sys.executable).parent


@pytest.mark.parametrize("name", RUN)
def test_commands(name: str, tmp_path: Path) -> None:
    """The page's commands succeed, or end with the exit code it names, and print what it shows."""
    places = {"repository": _repository, "application": _application}
    assert page(name).place in places, f"{name} must say where its commands run: <!-- console: {' | '.join(places)} -->"
    folder = tmp_path / "work"
    places[page(name).place](folder)
    for step in page(name).steps:
        done = subprocess.run(
            ["bash", "-c", step.command],
            cwd=folder,
            env=_environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert done.returncode == step.exit_code, f"{name}:{step.line}: {step.command}\n{done.stdout}"
        if step.output:
            assert re.fullmatch(pattern(step), f"{done.stdout.strip()}\n"), f"{name}:{step.line} prints\n{done.stdout}"


def testpattern() -> None:
    """`…` stands for any text: alone on a line for any lines, within one for a part of it."""
    step = Step("x", "one …\n…\nlast", 0, 1)
    assert re.fullmatch(pattern(step), "one and more\ntwo\nthree\nlast\n")
    assert re.fullmatch(pattern(step), "one and\nlast\n")
    assert not re.fullmatch(pattern(step), "one and more\ntwo\nlast one\n")
    assert not re.fullmatch(pattern(step), "two\none and\nlast\n")


@pytest.mark.parametrize("test", ELSEWHERE.values())
def test_elsewhere(test: Path) -> None:
    """The pages whose commands are run by a test of their own have one."""
    assert "page(" in test.read_text()


def _environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("TMPDIR", "LANG") if name in os.environ}
    (home / ".gitconfig").write_text("[user]\n name = Ada\n email = ada@example.com\n[init]\n defaultBranch = master\n")
    return {
        **kept,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(home),
        "VENV": str(_venv(home)),
        "GIT_CONFIG_NOSYSTEM": "1",
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",  # logs and results in the order in which a terminal shows them
        "COLUMNS": "110",
    }


def _venv(home: Path) -> Path:
    """Return a folder that `make` takes for this environment, set up: a copy must never set up the real one."""
    venv = home / "venv"
    venv.mkdir(exist_ok=True)
    if not (venv / "bin").exists():
        (venv / "bin").symlink_to(BIN)
    for stamp in (".core", ".demo", ".tests"):
        (venv / stamp).touch()
    return venv


def _repository(folder: Path) -> None:
    """Copy this repository, as git knows it, its times kept so that nothing is set up again."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_symlink() or source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


def _application(folder: Path) -> None:
    """Make a project of the sample application: its own repository, with a remote."""
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", ".venv", "build", "dist", "node_modules")
    shutil.copytree(ROOT / "sample-app", folder, ignore=ignore)
    environment = {**os.environ, **_environment(folder.parent)}
    remote = folder.parent / "origin.git"
    for command in (
        ["init", "--quiet", "--bare", str(remote)],
        ["init", "--quiet"],
        ["remote", "add", "origin", str(remote)],
        ["add", "--all"],
        ["commit", "--quiet", "--message", "The vehicles application"],
        ["push", "--quiet", "--set-upstream", "origin", "master"],
    ):
        subprocess.run(["git", *command], cwd=folder, env=environment, check=True)
