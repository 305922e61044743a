"""A GitLab project's settings, read and changed through python-gitlab.

Sources: https://docs.gitlab.com/api/protected_branches/ , https://docs.gitlab.com/api/project_level_variables/ ,
https://docs.gitlab.com/api/environments/ , https://docs.gitlab.com/api/pipeline_triggers/ ,
https://docs.gitlab.com/api/pipeline_schedules/ , https://docs.gitlab.com/api/cluster_agents/ ,
https://docs.gitlab.com/api/deploy_tokens/ , https://docs.gitlab.com/api/protected_environments/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.clients import gitlab as rest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mcci.clients.gitlab import Project

ROLE = "the role of a maintainer"
Json = dict[str, Any]


class Settings:
    """A project's settings, as GitLab's API writes them.

    Every method raises `UsageError` where the token is not taken or may not do this, `ServiceFailed` where GitLab does
    not answer.
    """

    def __init__(self, project: Project) -> None:
        self._at = project
        self._api: Any = rest.opened(project)

    def project(self) -> Json:
        """Return the project itself."""
        with rest.translated(self._at, ROLE):
            found = self._api.manager.gitlab.projects.get(self._at.path, max_retries=rest.RETRIES)
            return dict(found.attributes)

    def branches(self) -> Iterator[Json]:
        """Yield the branches."""
        yield from self._all(self._api.branches)

    def protected_branches(self) -> Iterator[Json]:
        """Yield the protected branches."""
        yield from self._all(self._api.protectedbranches)

    def variables(self) -> Iterator[Json]:
        """Yield the variables, with their values where they are not hidden."""
        yield from self._all(self._api.variables)

    def environments(self) -> Iterator[Json]:
        """Yield the environments."""
        yield from self._all(self._api.environments)

    def triggers(self) -> Iterator[Json]:
        """Yield the trigger tokens, each shown whole to its owner alone."""
        yield from self._all(self._api.triggers)

    def schedules(self) -> Iterator[Json]:
        """Yield the schedules."""
        yield from self._all(self._api.pipelineschedules)

    def agents(self, projects: Iterable[str]) -> Iterator[tuple[str, Json]]:
        """Yield the cluster agents of these projects, each with its project's path."""
        for path in projects:
            for each in self._all(self._other(path).cluster_agents):
                yield path, each

    def protected_environments(self) -> Iterator[Json]:
        """Yield the protected environments, of the paid tiers."""
        yield from self._all(self._api.protected_environments)

    def has_agent_token(self, path: str, agent: Mapping[str, Any]) -> bool:
        """Whether an agent of a project has a token."""
        with rest.translated(self._at, ROLE):
            found = self._tokens(path, agent)
            return bool(self._api.manager.gitlab.http_list(found, get_all=False, per_page=1))

    def save_project(self, body: Mapping[str, Any]) -> None:
        """Change the project itself."""
        with rest.translated(self._at, ROLE):
            self._api.manager.update(self._api.encoded_id, dict(body))

    def save_branch(self, body: Mapping[str, Any], name: str = "") -> None:
        """Protect a branch, or change how the branch `name` is protected."""
        self._save(self._api.protectedbranches, body, name)

    def protect_again(self, body: Mapping[str, Any], name: str) -> None:
        """Protect the branch `name` in another way: the free tier changes no access levels of a protection."""
        with rest.translated(self._at, ROLE):
            self._api.protectedbranches.delete(name)
            self._api.protectedbranches.create(dict(body))

    def protect_environment(self, body: Mapping[str, Any]) -> None:
        """Protect an environment."""
        self._save(self._api.protected_environments, body, "")

    def save_environment(self, body: Mapping[str, Any], number: int = 0) -> None:
        """Make an environment, or change one."""
        self._save(self._api.environments, body, number)

    def save_variable(self, body: Mapping[str, Any], key: str = "") -> None:
        """Make a variable, or change the one that holds for every environment."""
        with rest.translated(self._at, ROLE):
            if key:
                self._api.variables.update(key, dict(body), filter={"environment_scope": "*"})
            else:
                self._api.variables.create(dict(body))

    def save_schedule(self, body: Mapping[str, Any], number: int = 0) -> None:
        """Make a schedule, or change one."""
        self._save(self._api.pipelineschedules, body, number)

    def create_trigger(self, description: str) -> str:
        """Make a trigger token and return it."""
        with rest.translated(self._at, ROLE):
            return str(self._api.triggers.create({"description": description}).token)

    def create_deploy_token(self, name: str, scopes: Iterable[str]) -> tuple[str, str]:
        """Make a deploy token, and return its user and the token."""
        with rest.translated(self._at, ROLE):
            made = self._api.deploytokens.create({"name": name, "scopes": list(scopes)})
            return str(made.username), str(made.token)

    def create_agent_token(self, path: str, name: str) -> str:
        """Make a token of a cluster agent and return it."""
        found = next(each for each in self._all(self._other(path).cluster_agents) if each["name"] == name)
        with rest.translated(self._at, ROLE):
            made = self._api.manager.gitlab.http_post(self._tokens(path, found), post_data={"name": "mcci"})
            return str(made["token"])

    def _tokens(self, path: str, agent: Mapping[str, Any]) -> str:
        return f"/projects/{self._other(path).encoded_id}/cluster_agents/{agent['id']}/tokens"

    def register_agent(self, path: str, name: str) -> None:
        """Register a cluster agent in a project."""
        with rest.translated(self._at, ROLE):
            self._other(path).cluster_agents.create({"name": name})

    def _other(self, path: str) -> Any:
        return self._api.manager.gitlab.projects.get(path, lazy=True)

    def _all(self, manager: Any) -> Iterator[Json]:
        with rest.translated(self._at, ROLE):
            found = manager.list(get_all=True, per_page=100, max_retries=rest.RETRIES)
        yield from (dict(each.attributes) for each in found)

    def _save(self, manager: Any, body: Mapping[str, Any], id: int | str) -> None:
        with rest.translated(self._at, ROLE):
            if id:
                manager.update(id, dict(body))
            else:
                manager.create(dict(body))
