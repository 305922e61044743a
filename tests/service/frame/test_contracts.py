"""The import contracts: they hold, and they would notice."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(name="copy")
def _copy(tmp_path: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__", "templates", "charts")
    shutil.copytree(ROOT / "mcci", tmp_path / "mcci", ignore=ignore)
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    return tmp_path


def test_kept(copy: Path) -> None:
    """The package keeps its own contracts."""
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("check/added.py", "import mcci.commands", "Imports point downward only"),
        ("config/added.py", "import mcci.pipeline.document", "Imports point downward only"),
        ("homeless.py", "", "Imports point downward only"),
        ("pipeline/added.py", "import subprocess", "Only the clients speak to the world"),
        ("commands/added.py", "def f():\n    import gitlab", "Only the clients speak to the world"),
        ("output.py", "import socket", "Only the clients speak to the world"),
    ],
)
def test_broken(copy: Path, module: str, line: str, contract: str) -> None:
    """An import that points upward, a module without a layer, or a vendor's library outside the clients is found."""
    with (copy / "mcci" / module).open("a") as file:
        file.write(f"\n{line}\n")
    done = lint_imports(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{contract} BROKEN" in done.stdout


def test_clients_may(copy: Path) -> None:
    """A client may import a vendor's library: that is what it is for."""
    (copy / "mcci" / "clients" / "added.py").write_text("import docker\nimport kubernetes\nimport socket\n")
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout + done.stderr
