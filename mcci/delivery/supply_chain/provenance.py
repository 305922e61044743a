"""How an image was made, in SLSA's terms. Pure.

Source: https://slsa.dev/spec/v1.0/provenance ; GitLab runs the job, so the job's runner is the builder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import mcci

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.registry.reference import Reference

PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/PROVENANCE.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What a build job knows of an image that it built.

    `image` is the candidate by digest, `identity` the repository it is meant for. `bases` are the images it is built
    upon, by name, with their digests; times are RFC 3339.
    """

    service: str
    image: Reference
    identity: Reference
    content_tag: str
    commit: str
    source: str = ""
    dockerfile: str = ""
    context: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)
    builder: str = ""
    job_url: str = ""
    started: str = ""
    finished: str = ""


def predicate(build: Build) -> dict[str, Any]:
    """Return the provenance of `build`."""
    source = {"uri": f"git+{build.source}" if build.source else "git", "digest": {"gitCommit": build.commit}}
    bases = [{"uri": f"docker://{name}", "digest": _digest(digest)} for name, digest in build.bases.items()]
    times = {"startedOn": build.started, "finishedOn": build.finished}
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "source": source["uri"],
                "service": build.service,
                "dockerfile": build.dockerfile,
                "context": build.context,
                "buildArgs": dict(build.build_args),
            },
            "internalParameters": {"contentTag": build.content_tag, "mcci": mcci.__version__},
            "resolvedDependencies": [source, *bases],
        },
        "runDetails": {
            "builder": {"id": build.builder or "mcci at a terminal", "version": {"mcci": mcci.__version__}},
            "metadata": {"invocationId": build.job_url, **{key: value for key, value in times.items() if value}},
        },
    }


def _digest(digest: str) -> dict[str, str]:
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}
