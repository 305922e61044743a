"""A git remote: asked where its branches stand, fetched from, pushed to.

What passes by itself (a name that does not resolve, a connection that drops, a 5xx) is tried again; a "no" is not.
"""

from __future__ import annotations

import base64
import os
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcci.clients.git import CREDENTIALS, GitFailed, said
from mcci.errors import McciError, ServiceFailed, UsageError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Mapping

    from mcci.clients.git import Repository

DEADLINE = 300.0  # seconds
ATTEMPTS = 3
_TRANSIENT = re.compile(
    r"could not resolve|temporary failure|(failed|could ?n.t) (to )?connect|connection (refused|reset|closed)|timed out"
    r"|early eof|hung up unexpectedly|no route to host|network is unreachable|returned error: 5\d\d",
    re.IGNORECASE,
)


class Rejected(McciError):
    """The remote took none of the branches; `moved` when one of them stands elsewhere by now."""

    def __init__(self, remote: str, reasons: Mapping[str, str], heard: str) -> None:
        each = "; ".join(f"{branch}: {reason}" for branch, reason in reasons.items())
        super().__init__(f"{remote} refused the push, and no branch has changed: {each}. {heard}".rstrip())
        self.moved = any("stale info" in reason or "fetch first" in reason for reason in reasons.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Where branches are fetched from and pushed to; `environment` carries the credentials, if there are any."""

    name: str
    url: str = field(repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def find(repository: Repository, name: str, token: str = "") -> Remote | None:
    """Return the remote of that name, with `token` as its credentials where it is reached over HTTP.

    The token travels in the environment: an argument could be read by every process of the machine.
    """
    found = repository.attempt("remote", "get-url", "--push", name)
    if found.returncode:
        return None
    url = found.stdout.decode().strip()
    if not token or not url.startswith(("https://", "http://")):
        return Remote(name=name, url=url)
    url = CREDENTIALS.sub("", url)
    count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    basic = base64.b64encode(f"oauth2:{token}".encode()).decode()
    environment = {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": f"http.{url}.extraHeader",
        f"GIT_CONFIG_VALUE_{count}": f"Authorization: Basic {basic}",
    }
    return Remote(name=name, url=url, environment=environment)


def heads(repository: Repository, remote: Remote, branches: Iterable[str]) -> dict[str, str]:
    """Return the commits at which the remote's `branches` stand, by branch; those that it lacks are left out.

    Raises `UsageError` when the remote is none or does not let us in, `ServiceFailed` when it cannot be reached.
    """
    wanted = [f"refs/heads/{branch}" for branch in branches]
    found = _speak(repository, remote, "ls-remote", "--heads", "--", _target(remote), *wanted).stdout.decode()
    pairs = (line.split("\t", 1) for line in found.splitlines() if "\t" in line)
    return {ref.removeprefix("refs/heads/"): commit for commit, ref in pairs if ref in wanted}


def known_heads(repository: Repository, remote: Remote, branches: Iterable[str]) -> dict[str, str]:
    """Return where the remote's `branches` stood when they were last fetched."""
    found = {branch: repository.commit_of(f"refs/remotes/{remote.name}/{branch}") for branch in branches}
    return {branch: commit for branch, commit in found.items() if commit}


def fetch(repository: Repository, remote: Remote, branches: Iterable[str]) -> None:
    """Bring the remote's `branches` here, as remote-tracking branches; in a shallow clone only their heads."""
    depth = ["--depth=1"] if repository.is_shallow() else []
    specs = [f"+refs/heads/{branch}:refs/remotes/{remote.name}/{branch}" for branch in branches]
    options = ["--quiet", "--no-tags", "--no-write-fetch-head", *depth]
    _speak(repository, remote, "fetch", *options, "--", _target(remote), *specs)


def push(repository: Repository, remote: Remote, branches: Mapping[str, tuple[str, str | None]]) -> None:
    """Push a commit to each of the remote's branches, from the commit it must stand at (None: absent): all, or none.

    Raises `Rejected` when the remote says no, `ServiceFailed` when it cannot be reached.
    """
    leases = [f"--force-with-lease=refs/heads/{name}:{old or ''}" for name, (_, old) in branches.items()]
    specs = [f"{new}:refs/heads/{name}" for name, (new, _) in branches.items()]
    options = ["--porcelain", "--atomic", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", *leases]
    done = _speak(repository, remote, "push", *options, "--", _target(remote), *specs, answers=(0, 1))
    if done.returncode:
        reasons = _rejections(done.stdout.decode(errors="replace"))
        if not reasons:
            raise GitFailed(said(done))
        raise Rejected(remote.name, reasons, _hooks(done.stderr.decode(errors="replace")))
    for name, (new, _) in branches.items():  # git does this by itself only when it pushes to a remote by its name
        repository.run("update-ref", f"refs/remotes/{remote.name}/{name}", new)


def _target(remote: Remote) -> str:
    """By its name git keeps to the user's settings for it; by its URL, without credentials in it, to the token."""
    return remote.url if remote.environment else remote.name


def _speak(
    repository: Repository, remote: Remote, *arguments: str, answers: tuple[int, ...] = (0,)
) -> subprocess.CompletedProcess[bytes]:
    for attempt in range(1, ATTEMPTS + 1):
        done = repository.attempt(*arguments, environment=remote.environment, deadline=DEADLINE)
        if done.returncode == 0 or (done.returncode in answers and done.stdout):
            return done
        if not _TRANSIENT.search(done.stderr.decode(errors="replace")):
            raise UsageError(f"git cannot use the remote {remote.name}: {said(done)}")
        if attempt < ATTEMPTS:
            time.sleep(attempt)
    raise ServiceFailed(f"the remote {remote.name} cannot be reached: {said(done)}")


def _rejections(porcelain: str) -> dict[str, str]:
    """Return why the remote took no branch, from the lines `!<tab>from:to<tab>[kind] (reason)` of `git push`."""
    found = {}
    for line in porcelain.splitlines():
        flag, _, rest = line.partition("\t")
        if flag == "!" and "\t" in rest:
            spec, summary = rest.split("\t", 1)
            found[spec.rpartition(":")[2].removeprefix("refs/heads/")] = summary.strip()
    # A branch that fell only because another did says nothing of the cause.
    return {branch: reason for branch, reason in found.items() if "atomic" not in reason} or found


def _hooks(stderr: str) -> str:
    """Return what the remote's own checks said."""
    lines = [line.removeprefix("remote:").strip() for line in stderr.splitlines() if line.startswith("remote:")]
    return CREDENTIALS.sub("", " ".join(filter(None, lines)))
