"""What a project has, read from GitLab; and a plan, carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.delivery.setup.model import Agent, Environment, Found, Kept, Kind, Protection, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.clients.gitlab_settings import Settings
    from mcci.delivery.setup.model import Change, Wanted

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
    )


def act(settings: Settings, change: Change) -> None:
    """Carry one change out."""
    body = change.body
    match change.kind:
        case Kind.PROJECT:
            settings.save_project(body)
        case Kind.BRANCH:
            settings.save_branch(body, str(change.id))
        case Kind.ENVIRONMENT:
            settings.save_environment(body, int(change.id or 0))
        case Kind.VARIABLE:
            settings.save_variable(body, str(change.id))
        case Kind.SCHEDULE:
            settings.save_schedule(body, int(change.id or 0))
        case Kind.AGENT:
            settings.register_agent(body["project"], body["name"])
        case Kind.TRIGGER:
            token = settings.create_trigger(body["description"])
            kept = {"value": token, "protected": True, "masked": True, "raw": True, "variable_type": "env_var"}
            known = body["variable"]
            settings.save_variable(
                kept if body["replace"] else {**kept, "key": known}, known if body["replace"] else ""
            )


def _protection(found: Mapping[str, Any]) -> Protection:
    return Protection(
        name=found["name"], push=_lowest(found.get("push_access_levels")),
        merge=_lowest(found.get("merge_access_levels")), allow_force_push=bool(found.get("allow_force_push")),
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
