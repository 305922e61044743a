"""Which value a variable has for a pipeline or a job, where several say so.

Highest first: the pipeline's own (given when it was started), the project's, the configuration's, the predefined ones.
https://docs.gitlab.com/ci/variables/#cicd-variable-precedence
"""

from __future__ import annotations

from collections.abc import Mapping

from mcci.pipeline.jobs import Job
from mcci.pipeline.variables import Variable, expand, expand_all, nested
from mcci.simulation.events import Event, Project, ProjectVariable
from mcci.simulation.predefined import job_variables

_NOTHING: Mapping[str, str] = {}


class Scope:
    """Layers of variables; the first that has a name decides it. `raw` are those whose values are not expanded."""

    __slots__ = ("layers", "raw")

    def __init__(self, layers: tuple[Mapping[str, str], ...], raw: frozenset[str] = frozenset()) -> None:
        self.layers = layers
        self.raw = raw

    def fill(self, text: str) -> str:
        """Return `text` with its variables, and those in their values, filled in."""
        return expand(text, nested(self.get, self.raw.__contains__)) if "$" in text or "%" in text else text

    def get(self, name: str) -> str | None:
        """Return the value of a variable, unexpanded as `rules:if` sees it, or None."""
        for layer in self.layers:
            value = layer.get(name)
            if value is not None:
                return value
        return None

    def all(self) -> dict[str, str]:
        """Return every variable's value."""
        merged: dict[str, str] = {}
        for layer in reversed(self.layers):
            merged.update(layer)
        return merged

    def expanded(self) -> tuple[dict[str, str], str | None]:
        """Return every variable with those it refers to filled in, and GitLab's error when they form a circle."""
        variables = [Variable(key=key, value=value, raw=key in self.raw) for key, value in self.all().items()]
        expanded, error = expand_all(variables)
        return {key: variable.value for key, variable in expanded.items()}, error


def project_variables(project: Project, event: Event, environment: str | None) -> dict[str, str]:
    """Return the project's variables that reach a job: protected ones on protected refs, scoped ones by environment.

    A merge request's pipeline gets protected variables only when its source and its target are both protected and of
    this project. The most specific scope wins.
    """
    protected = project.protects(event.ref)
    request = event.merge_request
    if request is not None:
        protected = request.fork is None and project.protects(request.source) and project.protects(request.target)
    reaching = [one for one in project.variables if (protected or not one.protected) and _in_scope(one, environment)]
    reaching.sort(key=lambda one: (one.environment != "*", len(one.environment.replace("*", ""))))
    return {one.key: one.value for one in reaching}


def _in_scope(variable: ProjectVariable, environment: str | None) -> bool:
    if variable.environment == "*":
        return True
    if environment is None:
        return False
    from mcci.pipeline.globs import matches_wildcard

    return matches_wildcard(variable.environment, environment)


class Scopes:
    """Makes the scopes of one pipeline.

    `given` are the pipeline's own variables, `project` those of its settings, `root` the configuration's global ones,
    workflow rules' included.
    """

    def __init__(
        self,
        *,
        given: Mapping[str, str],
        project: Mapping[str, str],
        root: Mapping[str, str],
        predefined: Mapping[str, str],
        raw: frozenset[str] = frozenset(),
    ) -> None:
        self.given = given
        self.project = project
        self.root = root
        self.predefined = predefined
        self.raw = raw

    def of_pipeline(self) -> Scope:
        """Return the scope that `workflow:rules` see."""
        return Scope((self.given, self.project, self.root, self.predefined), self.raw)

    def of_job(self, job: Job, project: Mapping[str, str] | None = None) -> Scope:
        """Return the scope that the rules of a job see."""
        own, raw = _NOTHING, self.raw
        if job.variables:
            own = {key: variable.value for key, variable in job.variables.items()}
            raw = raw.union(key for key, variable in job.variables.items() if variable.raw)
        inherited = self.root
        if job.inherited_variables is not True:
            wanted = job.inherited_variables or ()
            inherited = {key: value for key, value in self.root.items() if key in wanted}
        project = self.project if project is None else project
        return Scope((self.given, project, own, inherited, job_variables(job), self.predefined), raw)
