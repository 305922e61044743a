"""A job as the runner protocol gives it, read into values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`script` (with `before_script`), or `after_script`."""

    name: str
    script: tuple[str, ...]
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Files that the job hands over: an archive, or a report of some type."""

    type: str
    format: str
    name: str
    paths: tuple[str, ...]
    exclude: tuple[str, ...]
    untracked: bool
    when: str
    expire_in: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Files kept from job to job under a key."""

    key: str
    files: tuple[str, ...]
    paths: tuple[str, ...]
    policy: str
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image to run in, or a service beside the job."""

    name: str
    alias: str = ""
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    user: str = ""
    pull_policy: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerJob:
    """One job. `dependencies` are the ids and names of the jobs whose archives it gets."""

    id: int
    name: str
    stage: str
    project: str
    token: str = field(repr=False)
    repository: str = field(repr=False)
    sha: str
    ref: str
    depth: int
    timeout: float
    variables: Mapping[str, str] = field(repr=False)
    files: Mapping[str, str] = field(repr=False)  # the variables whose value goes into a file
    masked: tuple[str, ...] = field(repr=False)
    steps: tuple[Step, ...]
    archives: tuple[Archive, ...]
    caches: tuple[Cache, ...]
    dependencies: tuple[tuple[int, str], ...]
    image: Image | None
    services: tuple[Image, ...]

    def step(self, name: str) -> Step | None:
        """Return a step by its name."""
        return next((step for step in self.steps if step.name == name), None)


def read(raw: Mapping[str, Any]) -> RunnerJob:
    """Return the job in an answer to `POST /jobs/request`."""
    variables = raw["variables"]
    return RunnerJob(
        id=raw["id"],
        name=raw["job_info"]["name"],
        stage=raw["job_info"]["stage"],
        project=raw["job_info"].get("project_full_path") or raw["job_info"]["project_name"],
        token=raw["token"],
        repository=raw["git_info"]["repo_url"],
        sha=raw["git_info"]["sha"],
        ref=raw["git_info"]["ref"],
        depth=raw["git_info"].get("depth") or 0,
        timeout=raw["runner_info"]["timeout"],
        variables={each["key"]: each["value"] for each in variables if not each.get("file")},
        files={each["key"]: each["value"] for each in variables if each.get("file")},
        masked=tuple(each["value"] for each in variables if each.get("masked") and each["value"]),
        steps=tuple(
            Step(name=each["name"], script=tuple(each["script"]), timeout=each["timeout"]) for each in raw["steps"]
        ),
        archives=tuple(
            Archive(
                type=each["artifact_type"],
                format=each["artifact_format"],
                name=each.get("name") or "artifacts",
                paths=tuple(each.get("paths") or ()),
                exclude=tuple(each.get("exclude") or ()),
                untracked=bool(each.get("untracked")),
                when=each.get("when") or "on_success",
                expire_in=each.get("expire_in") or "",
            )
            for each in raw.get("artifacts") or ()
        ),
        caches=tuple(
            Cache(
                key=each["key"],
                files=tuple(each.get("files") or ()),
                paths=tuple(each.get("paths") or ()),
                policy=each.get("policy") or "pull-push",
                when=each.get("when") or "on_success",
            )
            for each in raw.get("cache") or ()
        ),
        dependencies=tuple(
            (each["id"], each["name"]) for each in raw.get("dependencies") or () if each.get("artifacts_file")
        ),
        image=_image(raw.get("image")),
        services=tuple(found for each in raw.get("services") or () if (found := _image(each)) is not None),
    )


def _image(raw: Mapping[str, Any] | None) -> Image | None:
    if not raw or not raw.get("name"):
        return None
    return Image(
        name=raw["name"],
        alias=raw.get("alias") or "",
        entrypoint=_words(raw.get("entrypoint")),
        command=_words(raw.get("command")),
        user=str(((raw.get("executor_opts") or {}).get("docker") or {}).get("user") or ""),
        pull_policy=_words(raw.get("pull_policy")) or (),
        variables={each["key"]: str(each["value"]) for each in raw.get("variables") or ()},
    )


def _words(found: Sequence[str] | str | None) -> tuple[str, ...] | None:
    return None if found is None else (found,) if isinstance(found, str) else tuple(found)
