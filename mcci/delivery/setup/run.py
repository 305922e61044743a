"""What a project has, read from GitLab; and a plan, carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.clients import private_files
from mcci.delivery.setup.model import Agent, Environment, Found, Kept, Kind, Protection, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.clients.gitlab_settings import Settings
    from mcci.delivery.setup.model import Change, Wanted

ROLE = "ci_pipeline_variables_minimum_override_role"
NOBODY = 0  # GitLab's access level for "no one"


def survey(settings: Settings, wanted: Wanted) -> Found:
    """Return what the project has of what it should have."""
    project = settings.project()
    return Found(
        default_branch=project.get("default_branch") or "",
        configuration=project.get("ci_config_path") or "",
        branches=frozenset(each["name"] for each in settings.branches()),
        protected={each["name"]: _protection(each) for each in settings.protected_branches()},
        variables=tuple(_variable(each) for each in settings.variables()),
        environments={
            each["name"]: Environment(
                name=each["name"], tier=each.get("tier") or "", url=each.get("external_url") or "", id=each["id"]
            )
            for each in settings.environments()
        },
        triggers=frozenset(each["description"] for each in settings.triggers()) if wanted.trigger else frozenset(),
        schedules=tuple(_schedule(each) for each in settings.schedules()) if wanted.schedule else (),
        agents=frozenset(
            Agent(project=path, name=each["name"])
            for path, each in settings.agents(sorted({each.project for each in wanted.agents}))
        ),
        with_token=_with_token(settings, wanted) if wanted.agent_tokens else frozenset(),
        variables_role=(project.get(ROLE) or "") if project.get("restrict_user_defined_variables") else "",
        registry=(project.get("container_registry_image_prefix") or "").partition("/")[0],
        protected_environments=frozenset(each["name"] for each in settings.protected_environments())
        if wanted.protected_environments
        else frozenset(),
    )


def _with_token(settings: Settings, wanted: Wanted) -> frozenset[Agent]:
    """Return the agents that have a token already, and which GitLab shows no more."""
    return frozenset(
        agent
        for path, each in settings.agents(sorted({each.project for each in wanted.agents}))
        if (agent := Agent(project=path, name=each["name"])) in wanted.agents and settings.has_agent_token(path, each)
    )


def act(settings: Settings, change: Change) -> None:
    """Carry one change out."""
    body = change.body
    match change.kind:
        case Kind.PROJECT:
            settings.save_project(body)
        case Kind.BRANCH if change.id and "push_access_level" in body:
            settings.protect_again(body, str(change.id))
        case Kind.BRANCH:
            settings.save_branch(body, str(change.id))
        case Kind.PROTECTED_ENVIRONMENT:
            settings.protect_environment(body)
        case Kind.ENVIRONMENT:
            settings.save_environment(body, int(change.id or 0))
        case Kind.VARIABLE:
            settings.save_variable(body, str(change.id))
        case Kind.SCHEDULE:
            settings.save_schedule(body, int(change.id or 0))
        case Kind.AGENT:
            settings.register_agent(body["project"], body["name"])
        case Kind.AGENT_ACCESS:
            private_files.write(body["file"], settings.create_agent_token(body["project"], body["name"]) + "\n")
        case Kind.DEPLOY:
            username, token = settings.create_deploy_token(body["name"], body["scopes"])
            _keep(settings, body["username"], username, secret=False)
            _keep(settings, body["password"], token, hide=body["hide"])
        case Kind.TRIGGER:
            token = settings.create_trigger(body["description"])
            _keep(settings, body["variable"], token, replace=body["replace"], hide=body["hide"])


def _keep(
    settings: Settings, key: str, value: str, *, secret: bool = True, replace: bool = False, hide: bool = False
) -> None:
    """Keep a token that was made in a variable, new or in the place of another."""
    body: dict[str, Any] = {
        "value": value, "protected": True, "masked": secret, "raw": True, "variable_type": "env_var",
    }  # fmt: skip
    if replace:
        settings.save_variable(body, key)
    else:
        settings.save_variable({**body, "key": key, **({"masked_and_hidden": True} if secret and hide else {})})


def _protection(found: Mapping[str, Any]) -> Protection:
    levels = [*(found.get("push_access_levels") or ()), *(found.get("merge_access_levels") or ())]
    return Protection(
        name=found["name"], push=_lowest(found.get("push_access_levels")),
        merge=_lowest(found.get("merge_access_levels")), allow_force_push=bool(found.get("allow_force_push")),
        has_names=any(each.get(key) for each in levels for key in ("user_id", "group_id", "deploy_key_id")),
    )  # fmt: skip


def _lowest(levels: Sequence[Mapping[str, Any]] | None) -> int | None:
    """Return the lowest level that is let in; None for nobody. Users and groups of the paid tiers have no level."""
    found = [int(each["access_level"]) for each in levels or () if each.get("access_level") is not None]
    return min((level for level in found if level != NOBODY), default=None)


def _variable(found: Mapping[str, Any]) -> Kept:
    return Kept(
        key=found["key"], value=found.get("value"), protected=bool(found.get("protected")),
        masked=bool(found.get("masked")), file=found.get("variable_type") == "file",
        scope=found.get("environment_scope") or "*",
    )  # fmt: skip


def _schedule(found: Mapping[str, Any]) -> Schedule:
    return Schedule(
        description=found["description"], branch=str(found["ref"]).removeprefix("refs/heads/"), cron=found["cron"],
        timezone=found.get("cron_timezone") or "UTC", active=bool(found.get("active")), id=found["id"],
    )  # fmt: skip
