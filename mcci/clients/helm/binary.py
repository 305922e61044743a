"""The helm binary: where it is, and whether it is one that mcci can drive."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "MCCI_HELM"
LEAST = (3, 17)
PATIENCE = 30.0  # seconds for `helm version`, which asks nobody
ADVICE = (
    f"Put Helm {LEAST[0]}.{LEAST[1]} or newer on PATH (https://helm.sh/docs/intro/install), or name it in {VARIABLE}; "
    "in a pipeline `runner.helm` of mcci.yml installs it."
)
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Helm:
    """A helm that can be run, and its version."""

    path: str
    version: tuple[int, int, int]

    @property
    def server_side(self) -> bool:
        """Whether it applies objects on the server, with field ownership and conflicts (Helm 4)."""
        return self.version >= (4, 0, 0)

    @property
    def words(self) -> str:
        """The version as people write it: `3.19.0`."""
        return ".".join(map(str, self.version))


def find(environment: Mapping[str, str]) -> Helm:
    """Return the helm in MCCI_HELM, or the first on PATH. Raises `UsageError`: none, too old, or not a helm."""
    named = environment.get(VARIABLE, "")
    path = shutil.which(named or "helm", path=environment.get("PATH", ""))
    if path is None:
        where = f"{VARIABLE} names {named!r}, which is no program that can be run" if named else "helm is not on PATH"
        raise UsageError(f"{where}. {ADVICE}")
    try:
        done = subprocess.run(
            [path, "version", "--template", "{{.Version}}"],
            capture_output=True, text=True, errors="replace", check=False, timeout=PATIENCE, env=clean(environment),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{path} cannot be run: {error}. {ADVICE}") from error
    found = _VERSION.match(done.stdout.strip())
    if done.returncode or not found:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise UsageError(f"{path} does not tell its version: {said[-1] if said else 'it says nothing'}. {ADVICE}")
    version = (int(found[1]), int(found[2]), int(found[3]))
    if version[:2] < LEAST:
        raise UsageError(f"{path} is Helm {'.'.join(map(str, version))}, which is too old. {ADVICE}")
    return Helm(path=path, version=version)


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` without Helm's own variables: namespace, storage and cluster are said with each call."""
    return {name: value for name, value in environment.items() if not name.startswith("HELM_")}
