"""The sample application's wheels, as its compile jobs leave them: built once, kept in the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.service.engine.project import Project

SAMPLE = Path(__file__).parents[3] / "sample-app"
MADE = ("dist", "build", "*.egg-info", "__pycache__", ".*_cache", ".venv")  # not sources


def services() -> list[str]:
    """Return the services' names."""
    return sorted(each.parent.name for each in SAMPLE.glob("*/Dockerfile"))


def build() -> Path:
    """Return the folder with the wheels of every service and of all they need."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mcci-tests", f"wheels-{_key()}")
    if not cache.is_dir():
        made = cache.with_name(f"{cache.name}.{os.getpid()}")
        sources = made / "sources"  # pip leaves its traces where it builds
        shutil.copytree(SAMPLE, sources, ignore=shutil.ignore_patterns(*MADE))
        projects = [str(sources / name) for name in ("servicekit", *services())]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-build-isolation",
             "--wheel-dir", str(made), "-c", str(SAMPLE / "servicekit/constraints.txt"), *projects],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        shutil.rmtree(sources)
        made.rename(cache)
    return cache


def install(project: Project) -> None:
    """Put the sample application into `project` in place of what is there, each service's wheels in `dist/`; commit."""
    for path in project.root.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(SAMPLE, project.root, ignore=shutil.ignore_patterns(*MADE), dirs_exist_ok=True)
    found = build()
    for name in services():
        (project.root / name / "dist").mkdir()
        for wheel in found.glob("*.whl"):
            (project.root / name / "dist" / wheel.name).hardlink_to(wheel)
    config = project.root / "mcci.yml"
    text = config.read_text()
    registry = f"  host: {project.hub.host}\n  namespace: {project.name}\n"
    registry += f"  candidates: {project.candidates.host}/{project.name}"
    text = text.replace("  namespace: vehicles-demo", registry)
    text = text.replace("defaults:\n", f"defaults:\n  build_args: {{BASE_IMAGE: '{project.base}'}}\n", 1)
    config.write_text(text)
    project.commit()


def _key() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for file in (
        sorted(SAMPLE.glob("*/src/**/*"))
        + sorted(SAMPLE.glob("*/pyproject.toml"))
        + [SAMPLE / "servicekit/constraints.txt"]
    ):
        if file.is_file() and file.suffix not in (".pyc",) and ".egg-info" not in str(file):
            digest.update(str(file.relative_to(SAMPLE)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]
