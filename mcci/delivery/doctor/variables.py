"""Whether the jobs have the variables that mcci.yml names: looked for in a job, or in the project's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.clients import gitlab_variables
from mcci.config.choices import TriggerToken
from mcci.delivery.doctor.model import Result, failed, ok, skipped, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcci.clients.gitlab_pipelines import Server
    from mcci.clients.gitlab_variables import Variable
    from mcci.config.model import Config

_CHECK = "variables"
_ADVICE = "Add them to the project's CI/CD variables (kubeconfigs of the type File), protected."


def check(
    config: Config, clusters: Sequence[str], environment: Mapping[str, str], server: Server | None
) -> Iterator[Result]:
    """Give what is found of the variables for these clusters. At a terminal GITLAB_TOKEN lets the project be asked."""
    token = environment.get("GITLAB_TOKEN", "").strip()
    if environment.get("CI"):
        yield _in_a_job(config, clusters, environment)
    elif token and server:
        found = gitlab_variables.read(server, token)
        if isinstance(found, str):
            yield skipped(_CHECK, f"not seen: {found}; it takes a maintainer's token with the scope api")
        else:
            yield from in_project(settings(config, clusters), found)
    else:
        yield skipped(_CHECK, "looked for in a job, or with GITLAB_TOKEN (a maintainer's, of the scope api)")


def _in_a_job(config: Config, clusters: Sequence[str], environment: Mapping[str, str]) -> Result:
    names = wanted(config, clusters)
    missing = [name for name in names if not environment.get(name)]
    if not missing:
        return ok(_CHECK, f"all {len(names)} that mcci.yml names are set")
    if environment.get("CI_COMMIT_REF_PROTECTED") == "true":
        return failed(_CHECK, f"not set: {', '.join(missing)}", _ADVICE)
    advice = f"{_ADVICE} This branch is not protected: protected variables are not in its jobs."
    return warning(_CHECK, f"not set: {', '.join(missing)}", advice)


def in_project(names: Sequence[str], found: Sequence[Variable]) -> Iterator[Result]:
    """Give what the project's settings lack of `names`, and which of them a job of any branch can read."""
    there = {each.name for each in found}
    missing = [name for name in names if name not in there]
    if missing:
        yield warning(
            _CHECK, f"not among the project's: {', '.join(missing)}", f"{_ADVICE} A group's are not seen here."
        )
    else:
        yield ok(_CHECK, f"all {len(names)} that mcci.yml names are in the project")
    bare = sorted({each.name for each in found if each.name in names and not each.protected})
    if bare:
        advice = "Protect them: else a job of any branch, and of any merge request, can read them."
        yield failed(_CHECK, f"not protected: {', '.join(bare)}", advice)


def settings(config: Config, clusters: Sequence[str]) -> tuple[str, ...]:
    """Return the variables that somebody has to add to the project."""
    names = [config.clusters[name].kubeconfig_variable for name in clusters]
    names += [config.registry.username, config.registry.password]
    names += [config.gitlab.trigger_token] if config.gitlab.trigger is TriggerToken.TRIGGER else []
    return tuple(dict.fromkeys(name for name in names if name))


def wanted(config: Config, clusters: Sequence[str]) -> tuple[str, ...]:
    """Return the variables that a job needs: those, and what GitLab gives it by itself."""
    given = [config.clusters[name].id_token_variable for name in clusters if config.clusters[name].oidc]
    given += ["KUBECONFIG"] if any(config.clusters[name].agent for name in clusters) else []
    return (*settings(config, clusters), *given)
