"""A real Kubernetes, built once from Debian's source package and kept in the user's cache.

No registry here carries kube-apiserver, but Debian 12 does, as source: version 1.20.2. Everything is fetched through
apt into folders of its own (no root, nothing installed) and built with Debian's Go 1.19. One library is exchanged for
Debian's newer package of it: the vendored one crashes with that Go as soon as it meets a custom resource.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "1.20.2"
MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
BINARY_PACKAGES = ("golang-1.19-go", "golang-1.19-src", "etcd-server", "golang-github-modern-go-reflect2-dev")
BUILT = ("kube-apiserver", "kube-controller-manager")
# program → the Debian package that has it
NEEDED = {
    "apt-get": "apt",
    "dpkg-source": "dpkg-dev",
    "make": "make",
    "rsync": "rsync",
}
APT = """\
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State "{folder}/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "{folder}/cache";
APT::Sandbox::User "";
"""


class CannotBuild(Exception):
    """This machine lacks what the build needs; the message names the command that gets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """The programs of a control plane."""

    etcd: Path
    apiserver: Path
    controller_manager: Path


def binaries(say: Callable[[str], None]) -> Binaries:
    """Return the programs from the user's cache, built first where they are not there (about eight minutes).

    Raises `CannotBuild` where the machine lacks a program, RuntimeError with the log's end where a step fails.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mcci", "kubernetes", VERSION)
    if not (cache / "complete").is_file():
        _refuse_without_tools()
        work = cache.with_name(f"{VERSION}.building")
        shutil.rmtree(work, ignore_errors=True)
        (work / "bin").mkdir(parents=True)
        _build(work, say)
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir()
        (work / "bin").rename(cache / "bin")
        (cache / "complete").touch()
        shutil.rmtree(work, ignore_errors=True)
    folder = cache / "bin"
    return Binaries(
        etcd=folder / "etcd",
        apiserver=folder / "kube-apiserver",
        controller_manager=folder / "kube-controller-manager",
    )


def _refuse_without_tools() -> None:
    missing = [package for program, package in NEEDED.items() if not shutil.which(program)]
    if missing:
        raise CannotBuild(
            "a real kube-apiserver is built from Debian's source package, and this machine lacks something for it:"
            f" sudo apt-get install {' '.join(missing)}. Or name a cluster to use instead: KUBECONFIG=FILE"
        )
    if not KEYRING.is_file():
        raise CannotBuild(
            f"no {KEYRING}: sudo apt-get install debian-archive-keyring, or name a cluster: KUBECONFIG=FILE"
        )


def _build(work: Path, say: Callable[[str], None]) -> None:
    log = work / "log"
    say(f"building Kubernetes {VERSION} from Debian's source package, once: about eight minutes; the log is {log}")
    say("1/4 fetching Debian's packages")
    environment = {**os.environ, "APT_CONFIG": str(_apt(work))}
    _run(["apt-get", "update"], work, environment, log)
    _run(["apt-get", "source", "--download-only", "kubernetes"], work, environment, log)
    _run(["apt-get", "download", *BINARY_PACKAGES], work, environment, log)
    say("2/4 unpacking")
    root = work / "root"
    for package in sorted(work.glob("*.deb")):
        _run(["dpkg", "-x", str(package), str(root)], work, environment, log)
    (description,) = work.glob("*.dsc")
    # apt checked the signed list that the checksums come from
    _run(["dpkg-source", "--no-check", "-x", str(description), "source"], work, environment, log)
    _exchange(
        root / "usr/share/gocode/src/github.com/modern-go/reflect2",
        work / "source/vendor/github.com/modern-go/reflect2",
    )
    say("3/4 compiling: five to eight minutes")
    targets = " ".join(f"cmd/{name}" for name in BUILT)
    _run(["nice", "-n", "15", "make", f"WHAT={targets}"], work / "source", _go(work), log)
    say("4/4 keeping the programs")
    for name in BUILT:
        shutil.copy2(work / "source/_output/bin" / name, work / "bin" / name)
    shutil.copy2(root / "usr/bin/etcd", work / "bin/etcd")
    # Go's module cache is written read-only
    _run(["chmod", "-R", "u+w", str(work)], work, environment, log)


def _apt(work: Path) -> Path:
    """Write apt's own configuration and list, so that nothing of the machine's is touched; return the configuration."""
    folder = work / "apt"
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    sources = (f"{kind} [signed-by={KEYRING}] {MIRROR} bookworm main\n" for kind in ("deb", "deb-src"))
    (folder / "sources.list").write_text("".join(sources))
    configuration = folder / "apt.conf"
    configuration.write_text(APT.format(folder=folder))
    return configuration


def _exchange(newer: Path, vendored: Path) -> None:
    for old in [*vendored.glob("*.go"), *vendored.glob("*.s")]:
        old.unlink()
    for new in [*newer.glob("*.go"), *newer.glob("*.s")]:
        shutil.copy2(new, vendored)


def _go(work: Path) -> dict[str, str]:
    """Return the environment for Kubernetes' Makefile, which wants its sources below a GOPATH and a version."""
    source = work / "source"
    (source / ".go/src/k8s.io").mkdir(parents=True)
    (source / ".go/src/k8s.io/kubernetes").symlink_to("../../..")
    major, minor, _ = VERSION.split(".")
    facts = {"COMMIT": "debian", "TREE_STATE": "archive", "VERSION": f"v{VERSION}", "MAJOR": major, "MINOR": minor}
    (work / "version").write_text("".join(f"KUBE_GIT_{name}='{value}'\n" for name, value in facts.items()))
    goroot = work / "root/usr/lib/go-1.19"
    (work / "home").mkdir()
    return {
        "PATH": f"{goroot}/bin:/usr/bin:/bin",
        "HOME": str(work / "home"),
        "GOROOT": str(goroot),
        "GOPATH": str(source / ".go"),
        "GOCACHE": str(work / "go-cache"),
        "CGO_ENABLED": "0",
        "KUBE_GIT_VERSION_FILE": str(work / "version"),
    }


def _run(arguments: list[str], folder: Path, environment: dict[str, str], log: Path) -> None:
    with log.open("ab") as output:
        done = subprocess.run(arguments, cwd=folder, env=environment, stdout=output, stderr=output, check=False)
    if done.returncode:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise RuntimeError(f"`{' '.join(arguments)}` failed with exit code {done.returncode}; {log} ends with:\n{end}")
