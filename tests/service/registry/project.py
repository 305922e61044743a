"""A repository with an mcci.yml whose registries are the tests' own, and mcci run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mcci.clients.registry.client import Registry
from mcci.clients.registry.reference import Reference, parse
from mcci.clients.registry.retry import Policy
from mcci.clients.registry.transport import Settings
from mcci.delivery import candidates
from mcci.delivery.candidates import Candidate
from tests.service.registry.servers import PASSWORD, USER, Server

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.clients.registry.manifests import Manifest

COMMIT = "c0ffee" + "0" * 34
QUICK = Policy(attempts=4, first=0.02, longest=0.1, patience=5, connect=2, silence=2)


@dataclass(frozen=True, slots=True)
class Done:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was written to stdout, as JSON."""
        return json.loads(self.out)


@dataclass
class Project:
    """A checkout in `folder`; candidates go to one registry, releases to the other."""

    folder: Path
    candidates: Server
    hub: Server

    def __post_init__(self) -> None:
        (self.folder / "mcci.yml").write_text(
            "version: 1\napplication: shop\n"
            f"registry: {{host: '{self.hub.host}', namespace: shop, candidates: '{self.candidates.host}/group/shop'}}\n"
            "services: {cart: {}, orders: {}}\n"
        )

    @cached_property
    def environment(self) -> dict[str, str]:
        """The variables of a job."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "GITLAB", "DOCKER"))}
        trusted = {"SSL_CERT_FILE": str(self.hub.certificate)} if self.hub.certificate else {}
        return {
            **kept, "HOME": str(self.folder / "home"), "CI_COMMIT_SHA": COMMIT, "NO_COLOR": "1", **trusted,
            "REGISTRY_USER": USER, "REGISTRY_PASSWORD": PASSWORD, "CI_REGISTRY": self.candidates.host,
            "CI_REGISTRY_USER": USER, "CI_REGISTRY_PASSWORD": PASSWORD,
        }  # fmt: skip

    def mcci(self, *arguments: str, **environment: str) -> Done:
        """Run mcci, and return how it ended."""
        done = subprocess.run(
            [sys.executable, "-m", "mcci", *arguments],
            cwd=self.folder, env={**self.environment, **environment}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def candidate(
        self, service: str, manifest: Manifest, tag: str = "content-1", *, unchanged: bool = False
    ) -> Candidate:
        """Write the candidate's file, as `mcci build` does."""
        repository = self.release(service) if unchanged else self.built(service)
        found = Candidate(service=service, content_tag=tag, image=repository.at(manifest.digest), unchanged=unchanged)
        candidates.save(self.folder, found)
        return found

    def built(self, service: str) -> Reference:
        """The repository of a service's candidates."""
        return parse(f"{self.candidates.host}/group/shop/{service}")

    def release(self, service: str) -> Reference:
        """The repository of a service's releases."""
        return parse(f"{self.hub.host}/shop/{service}")


def client(server: Server, policy: Policy = QUICK, host: str = "", **environment: str) -> Registry:
    """Return a client that speaks to `server` as USER."""
    config = {"auths": {host or server.host: {"username": USER, "password": PASSWORD}}}
    return Registry(
        host or server.host,
        Settings(environment={"DOCKER_AUTH_CONFIG": json.dumps(config), "HOME": "/", **environment}, policy=policy),
    )
