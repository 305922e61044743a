"""The wheel: what a user installs has everything that a checkout has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SHIPPED = ("mcci", "charts", "pipeline-templates", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module", name="installed")
def _installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the contents of the wheel, built from a copy of the sources."""
    source, built, installed = (tmp_path_factory.mktemp(name) for name in ("source", "built", "installed"))
    for name in SHIPPED:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "--wheel-dir", str(built), str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(installed)
    return installed


def mcci(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed), "HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-P", "-m", "mcci", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_data_files(installed: Path) -> None:
    """Every job template and every file of the charts is in the wheel."""
    charts = {
        f"charts/{path.relative_to(ROOT / 'charts')}"
        for chart in ("microservice", "istio")
        for path in (ROOT / "charts" / chart).rglob("*")
        if path.is_file()
    }
    templates = {f"templates/{path.name}" for path in (ROOT / "pipeline-templates").glob("*.yml")}
    package = installed / "mcci"
    there = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert charts
    assert templates
    assert charts | templates | {"py.typed"} <= there


def test_runs(installed: Path, tmp_path: Path) -> None:
    """The installed mcci generates pipelines and brings them, with charts, to the branches of a repository."""
    (tmp_path / "mcci.yml").write_text(
        "version: 1\napplication: shop\nservices: {cart: {}}\nclusters: {one: {}}\n"
        "environments: {stage: {clusters: [one]}}\n"
    )
    (tmp_path / "cart").mkdir()
    (tmp_path / "cart" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / ".gitconfig").write_text(
        "[user]\n name = Ada\n email = ada@example.com\n[init]\n defaultBranch = master\n"
    )
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "Start"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, env={**os.environ, "HOME": str(tmp_path)})
    done = mcci(installed, tmp_path, "generate", "--branch", "development")
    assert done.returncode == 0, done.stderr
    done = mcci(installed, tmp_path, "sync")
    assert done.returncode == 0, done.stderr
    assert "charts/" in done.stdout
