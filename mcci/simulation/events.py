"""What can start a pipeline, and the project it happens in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from mcci.pipeline.files import Files


class Source(Enum):
    """`CI_PIPELINE_SOURCE`. https://docs.gitlab.com/ci/jobs/job_rules/#ci_pipeline_source-predefined-variable"""

    PUSH = "push"
    MERGE_REQUEST = "merge_request_event"
    SCHEDULE = "schedule"
    WEB = "web"
    API = "api"
    TRIGGER = "trigger"
    PIPELINE = "pipeline"
    PARENT_PIPELINE = "parent_pipeline"
    CHAT = "chat"
    EXTERNAL = "external"
    EXTERNAL_PULL_REQUEST = "external_pull_request_event"
    WEBIDE = "webide"


class MergeRequestKind(Enum):
    """What a merge request's pipeline runs on: `CI_MERGE_REQUEST_EVENT_TYPE`."""

    DETACHED = "detached"
    MERGED_RESULT = "merged_result"
    MERGE_TRAIN = "merge_train"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequest:
    """A merge request. `fork` is the path of the project the source branch is in, where that is another."""

    source: str
    target: str
    kind: MergeRequestKind = MergeRequestKind.DETACHED
    fork: str | None = None
    labels: tuple[str, ...] = ()
    draft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that makes GitLab consider a pipeline.

    `ref` is the branch (the source branch of a merge request) or the tag. `changes` are the changed files, None when
    GitLab would know no difference (a new branch, a tag, a schedule): `changes` rules then hold. `compared` gives the
    changed files against certain refs, for `compare_to`; other refs compare as `changes` does. `commit` is the SHA; a
    simulation has none.
    """

    source: Source
    ref: str
    tag: bool = False
    merge_request: MergeRequest | None = None
    changes: tuple[str, ...] | None = None
    compared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    commit: str = ""
    commit_message: str = ""
    open_merge_requests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectVariable:
    """A variable from the project's (or group's) settings. `environment` is the scope, `*` for all."""

    key: str
    value: str
    protected: bool = False
    masked: bool = False
    raw: bool = False
    file: bool = False
    environment: str = "*"

    def __repr__(self) -> str:
        return f"ProjectVariable({self.key}={'[MASKED]' if self.masked else self.value!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project: where its files are, ref by ref, and the settings that pipelines depend on.

    `files` answers None for a ref it does not have. `projects` are other projects at hand, by path. `protected` lists
    the protected branches and tags (`*` is a wildcard); None means: the default branch alone.
    """

    files: Callable[[str], Files | None]
    path: str = "group/project"
    default_branch: str = "main"
    configuration: str = ".gitlab-ci.yml"
    variables: tuple[ProjectVariable, ...] = ()
    protected: tuple[str, ...] | None = None
    projects: Mapping[str, Project] = field(default_factory=dict)
    templates: Files | None = None
    remote: Files | None = None
    components: Mapping[str, Files] = field(default_factory=dict)

    def protects(self, ref: str) -> bool:
        """Return whether `ref` is a protected branch or tag."""
        if self.protected is None:
            return ref == self.default_branch
        from mcci.pipeline.globs import matches_wildcard

        return any(matches_wildcard(pattern, ref) for pattern in self.protected)
