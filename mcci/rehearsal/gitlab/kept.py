"""The local GitLab's values as JSON keeps them, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from mcci.rehearsal.gitlab.model import (
    Access,
    Agent,
    AgentToken,
    DeployToken,
    ProtectedEnvironment,
    Protection,
    Schedule,
    Settings,
    TriggerToken,
    User,
)
from mcci.simulation.events import Event, MergeRequest, MergeRequestKind, Project, ProjectVariable, Source

Json = dict[str, Any]
PROJECT = ("path", "default_branch", "configuration", "variables", "protected")


def plain(value: Any) -> Any:
    """Return a value of dataclasses, enums and collections as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def project(found: Project) -> Json:
    """Return the settings that pipelines depend on."""
    return {name: plain(getattr(found, name)) for name in PROJECT}


def project_settings(kept: Mapping[str, Any]) -> Json:
    """Return those settings, as `Project` takes them."""
    protected = kept["protected"]
    return {
        **kept,
        "variables": tuple(ProjectVariable(**each) for each in kept["variables"]),
        "protected": None if protected is None else tuple(protected),
    }


def event(kept: Mapping[str, Any]) -> Event:
    """Return an event."""
    request = kept["merge_request"]
    return Event(
        **{
            **kept,
            "source": Source(kept["source"]),
            "merge_request": None if request is None else _merge_request(request),
            "changes": None if kept["changes"] is None else tuple(kept["changes"]),
            "compared": {ref: tuple(paths) for ref, paths in kept["compared"].items()},
            "open_merge_requests": tuple(kept["open_merge_requests"]),
        }
    )


def _merge_request(kept: Mapping[str, Any]) -> MergeRequest:
    return MergeRequest(**{**kept, "kind": MergeRequestKind(kept["kind"]), "labels": tuple(kept["labels"])})


def user(kept: Mapping[str, Any]) -> User:
    """Return a user."""
    return User(**{**kept, "access": Access(kept["access"])})


def settings(kept: Mapping[str, Any], users: Mapping[int, User]) -> Settings:
    """Return a project's settings; `users` are those who may own something."""

    def owned(each: Mapping[str, Any]) -> Json:
        return {**each, "owner": users[each["owner"]["id"]]}

    return Settings(
        **{
            **kept,
            "variables": [ProjectVariable(**each) for each in kept["variables"]],
            "hidden": set(kept["hidden"]),
            "protected": {name: _protection(each) for name, each in kept["protected"].items()},
            "trigger_tokens": {int(id): TriggerToken(**owned(each)) for id, each in kept["trigger_tokens"].items()},
            "schedules": {int(id): Schedule(**owned(each)) for id, each in kept["schedules"].items()},
            "agents": {int(id): Agent(**owned(each)) for id, each in kept["agents"].items()},
            "agent_tokens": {int(id): AgentToken(**owned(each)) for id, each in kept["agent_tokens"].items()},
            "deploy_tokens": {
                int(id): DeployToken(**{**each, "scopes": tuple(each["scopes"])})
                for id, each in kept["deploy_tokens"].items()
            },
            "protected_environments": {
                name: ProtectedEnvironment(name=name, deploy=Access(each["deploy"]))
                for name, each in kept["protected_environments"].items()
            },
        }
    )


def _protection(kept: Mapping[str, Any]) -> Protection:
    return Protection(**{**kept, "push": Access(kept["push"]), "merge": Access(kept["merge"])})
