"""What is to be changed in a project, from what it should have and what it has. Pure.

Only what differs is changed, and nothing is taken away: what a project has beside this is its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.delivery.setup.model import Change, Kind, Plan
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcci.delivery.setup.model import Environment, Found, Kept, Protection, Schedule, Variable, Wanted

TRIGGER = "mcci: deliver"
DEPLOY = "mcci: registry"
MAINTAINER = 40  # GitLab's access level
WHO = {0: "no one", 30: "developers", 40: "maintainers", 60: "administrators"}
SHORTEST_MASKED = 8  # characters; https://docs.gitlab.com/ci/variables/#mask-a-cicd-variable


def plan(wanted: Wanted, found: Found, values: Mapping[str, str]) -> Plan:
    """Return what is to be done. Raises `UsageError` for a value that GitLab would not mask."""
    there = {each.key: each for each in found.variables if each.scope == "*"}
    registry = tuple(_deploy_token(wanted, found, there, values))
    made = {wanted.registry.username, wanted.registry.password} if registry else set()
    lacking = [each for each in wanted.variables if each.key not in there and each.key not in values]
    missing = tuple(each for each in lacking if each.key not in made)
    changes = [
        *_project(wanted, found),
        *_branches(wanted, found),
        *_environments(wanted, found),
        *_protected_environments(wanted, found),
        *(
            change for each in wanted.variables
            for change in _variable(each, there.get(each.key), values, hides=wanted.hides)
        ),
        *registry,
        *_trigger(wanted, found, there),
        *_schedule(wanted, found),
        *(
            Change(kind=Kind.AGENT, name=f"{each.project}:{each.name}", says=("register it",),
                   body={"project": each.project, "name": each.name})
            for each in wanted.agents
            if each not in found.agents
        ),
        *_agent_tokens(wanted, found),
    ]  # fmt: skip
    return Plan(changes=tuple(changes), missing=missing, problems=tuple(_problems(wanted, found)))


def _project(wanted: Wanted, found: Found) -> Iterator[Change]:
    body, says = {}, []
    if found.default_branch != wanted.default_branch and wanted.default_branch in found.branches:
        body["default_branch"] = wanted.default_branch
        says.append(f"default branch: {found.default_branch} → {wanted.default_branch}")
    if (found.configuration or ".gitlab-ci.yml") != wanted.configuration:
        body["ci_config_path"] = wanted.configuration
        says.append(f"CI/CD configuration file: {found.configuration or '.gitlab-ci.yml'} → {wanted.configuration}")
    if wanted.passes_variables and found.variables_role not in ("", "developer"):
        body["ci_pipeline_variables_minimum_override_role"] = "developer"
        says.append(f"who may start pipelines with variables: {found.variables_role} → developer")
    if body:
        yield Change(kind=Kind.PROJECT, name="settings", says=tuple(says), body=body, id="project")


def _branches(wanted: Wanted, found: Found) -> Iterator[Change]:
    for name in wanted.protected:
        protection = found.protected.get(name)
        if protection is None:
            body: dict[str, Any] = {"name": name, "push_access_level": 40, "merge_access_level": 40}
            says = ("protect it: maintainers push and merge, nobody forces",)
            yield Change(kind=Kind.BRANCH, name=name, says=says, body=body)
        elif protection.push is not None and protection.push < MAINTAINER and not protection.has_names:
            yield _narrowed(protection)
        elif protection.allow_force_push:
            body = {"allow_force_push": False}
            yield Change(kind=Kind.BRANCH, name=name, says=("force push: allowed → refused",), body=body, id=name)


def _narrowed(old: Protection) -> Change:
    """Return what lets maintainers alone push. Who could push may then merge: what they change is seen by others."""
    assert old.push is not None
    merge = min(old.push, old.merge) if old.merge is not None else old.push
    says = [f"push: {_who(old.push)} → {_who(MAINTAINER)}"]
    if merge != old.merge:
        says.append(f"merge: {_who(old.merge)} → {_who(merge)}")
    if old.allow_force_push:
        says.append("force push: allowed → refused")
    body = {"name": old.name, "push_access_level": MAINTAINER, "merge_access_level": merge}
    return Change(kind=Kind.BRANCH, name=old.name, says=tuple(says), body=body, id=old.name)


def _who(level: int | None) -> str:
    return WHO.get(level or 0, str(level))


def _protected_environments(wanted: Wanted, found: Found) -> Iterator[Change]:
    for name in wanted.protected_environments:
        if name not in found.protected_environments:
            body = {"name": name, "deploy_access_levels": [{"access_level": MAINTAINER}]}
            says = ("protect it: maintainers deploy",)
            yield Change(kind=Kind.PROTECTED_ENVIRONMENT, name=name, says=says, body=body)


def _environments(wanted: Wanted, found: Found) -> Iterator[Change]:
    for each in wanted.environments:
        old = found.environments.get(each.name)
        says = _differences(each, old)
        if says:
            body = {"tier": each.tier} | ({"external_url": each.url} if each.url else {})
            body |= {} if old else {"name": each.name}
            yield Change(kind=Kind.ENVIRONMENT, name=each.name, says=says, body=body, id=old.id if old else "")


def _differences(each: Environment, old: Environment | None) -> tuple[str, ...]:
    if old is None:
        return (f"make it, tier {each.tier}",)
    pairs = (("tier", old.tier, each.tier), ("URL", old.url, each.url or old.url))
    return tuple(f"{what}: {before or 'none'} → {after}" for what, before, after in pairs if before != after)


def _variable(wanted: Variable, old: Kept | None, values: Mapping[str, str], *, hides: bool) -> Iterator[Change]:
    value = values.get(wanted.key)
    says: list[str] = []
    if old is None:
        if value is None:
            return
        marks = (("protected", wanted.protected), ("masked", wanted.masked), ("hidden", wanted.masked and hides))
        kinds = [word for word, on in marks if on]
        says.append(f"add it ({', '.join([*kinds, 'file' if wanted.file else 'variable'])}): {wanted.use}")
    else:
        if value is not None and old.value is not None and old.value != value:
            says.append("its value is another")
        if wanted.protected is not None and wanted.protected and not old.protected:
            says.append("protected: no → yes")
        if wanted.masked and not old.masked:
            says.append("masked: no → yes")
    if says:
        yield _set(wanted, old, value, tuple(says), hides=hides)


def _set(wanted: Variable, old: Kept | None, value: str | None, says: tuple[str, ...], *, hides: bool) -> Change:
    # base64 in an ordinary variable, which GitLab can mask, serves as well as a file: what is there is kept so
    body: dict[str, Any] = {
        "variable_type": ("file" if old.file else "env_var") if old else ("file" if wanted.file else "env_var"),
        "protected": bool(wanted.protected) or bool(old and old.protected),
        "masked": wanted.masked or bool(old and old.masked),
        "raw": True,
    }
    kept = value if value is not None else old.value if old else None
    if body["masked"] and kept is not None:
        _check_maskable(wanted.key, kept)
    if value is not None or (old and old.value is not None):
        body["value"] = kept
    if old is None:
        body["key"] = wanted.key
        if wanted.masked and hides:
            body["masked_and_hidden"] = True
    return Change(kind=Kind.VARIABLE, name=wanted.key, says=says, body=body, id=wanted.key if old else "")


def _check_maskable(key: str, value: str) -> None:
    if len(value) < SHORTEST_MASKED or any(each.isspace() for each in value):
        raise UsageError(
            f"{key} is a secret, and GitLab masks no value that is shorter than {SHORTEST_MASKED} characters or has "
            "spaces or line ends in it: it would be readable in the jobs' logs. Give it another value."
        )


def _trigger(wanted: Wanted, found: Found, there: Mapping[str, Kept]) -> Iterator[Change]:
    if not wanted.trigger or (wanted.trigger in there and TRIGGER in found.triggers):
        return
    marks = "protected, masked, hidden" if wanted.hides else "protected, masked"
    says = (f"make one, and keep it in the variable {wanted.trigger} ({marks})",)
    body = {
        "description": TRIGGER, "variable": wanted.trigger, "replace": wanted.trigger in there, "hide": wanted.hides,
    }  # fmt: skip
    yield Change(kind=Kind.TRIGGER, name=TRIGGER, says=says, body=body)


def _deploy_token(
    wanted: Wanted, found: Found, there: Mapping[str, Kept], values: Mapping[str, str]
) -> Iterator[Change]:
    """Yield a token for the release registry, where that is the project's own and nobody has given another."""
    registry = wanted.registry
    keys = (registry.username, registry.password)
    if registry.host != found.registry or any(key in there or key in values for key in keys):
        return
    says = (f"make one that reads and writes images, and keep it in {keys[0]} and {keys[1]} (protected, masked)",)
    body = {"name": DEPLOY, "scopes": ["read_registry", "write_registry"], "username": keys[0], "password": keys[1],
            "hide": wanted.hides}  # fmt: skip
    yield Change(kind=Kind.DEPLOY, name=DEPLOY, says=says, body=body)


def _agent_tokens(wanted: Wanted, found: Found) -> Iterator[Change]:
    if wanted.agent_tokens is None:
        return
    for each in wanted.agents:
        if each not in found.with_token:
            file = wanted.agent_tokens / f"{each.name}.token"
            body = {"project": each.project, "name": each.name, "file": file}
            name = f"{each.project}:{each.name}"
            yield Change(kind=Kind.AGENT_ACCESS, name=name, says=(f"make one, and write it to {file}",), body=body)


def _schedule(wanted: Wanted, found: Found) -> Iterator[Change]:
    each = wanted.schedule
    if each is None:
        return
    old = next((one for one in found.schedules if one.description == each.description), None)
    body = {"description": each.description, "ref": each.branch, "cron": each.cron, "cron_timezone": each.timezone,
            "active": True}  # fmt: skip
    says = (f"start {each.branch} at {each.cron} ({each.timezone})",) if old is None else _moved(each, old)
    if says:
        yield Change(kind=Kind.SCHEDULE, name=each.description, says=says, body=body, id=old.id if old else "")


def _moved(each: Schedule, old: Schedule) -> tuple[str, ...]:
    pairs = (
        ("branch", old.branch, each.branch),
        ("cron", old.cron, each.cron),
        ("time zone", old.timezone, each.timezone),
        ("active", old.active, each.active),
    )
    return tuple(f"{what}: {before} → {after}" for what, before, after in pairs if before != after)


def _problems(wanted: Wanted, found: Found) -> Iterator[str]:
    for name in wanted.protected:
        if name not in found.branches:
            yield f"the branch {name} is not there: `mcci sync --push` makes it"
        protection = found.protected.get(name)
        if protection and protection.has_names and protection.push is not None and protection.push < MAINTAINER:
            yield (
                f"{_who(protection.push)} may push to {name}, which lets some in by their names, too: let"
                f" {_who(MAINTAINER)} alone push, in GitLab's settings"
            )
    if wanted.delivers:
        source, target = (found.protected.get(each) for each in wanted.delivers)
        if source and target and not _includes(target.merge, target.push, source.merge):
            yield (
                f"who may merge into {source.name} may not run pipelines on {target.name}, so that their merges are not"
                f" delivered: let them merge or push there, or set `gitlab: {{trigger: trigger-token}}`"
            )


def _includes(merge: int | None, push: int | None, who: int | None) -> bool:
    """Whether those of access level `who` may merge or push."""
    levels = [level for level in (merge, push) if level is not None]
    return who is None or (bool(levels) and min(levels) <= who)
