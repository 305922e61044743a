"""kubectl, for the one thing that the clusters' API is not asked directly: a program run in a container."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

VARIABLE = "MCCI_KUBECTL"
PATIENCE = 30.0  # seconds


class NotRun(McciError):
    """The program was not run, or failed; `str()` says why."""


def run_in(
    environment: Mapping[str, str], kubeconfig: Path, namespace: str, target: str, program: Sequence[str]
) -> str:  # fmt: skip
    """Run a program in a container of `target` (`deployment/istiod`) and return what it writes. Raises `NotRun`."""
    kubectl = shutil.which(environment.get(VARIABLE) or "kubectl", path=environment.get("PATH", ""))
    if kubectl is None:
        raise NotRun(f"kubectl is not on PATH, nor named in {VARIABLE}")
    command = [kubectl, "--kubeconfig", str(kubeconfig), "--namespace", namespace, "exec", target, "--", *program]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=PATIENCE,
            stdin=subprocess.DEVNULL, env=dict(environment),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotRun(f"kubectl could not be run: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NotRun(said[-1][:300] if said else "kubectl does not say why")
    return done.stdout
