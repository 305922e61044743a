"""How the release is passed, with which token, and what a refusal means. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcci.config.choices import TriggerToken
from mcci.config.keys import Version
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.config.model import Config

INPUTS_SINCE = Version(17, 11)
VARIABLE = "MCCI_RELEASE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is asked of GitLab."""

    branch: str
    release: str
    token: str = field(repr=False)
    token_name: str
    by_input: bool

    @property
    def inputs(self) -> dict[str, str]:
        """The pipeline's inputs."""
        return {"release": self.release} if self.by_input else {}

    @property
    def variables(self) -> dict[str, str]:
        """The pipeline's variables."""
        return {} if self.by_input else {VARIABLE: self.release}


def plan(config: Config, release: str, environment: Mapping[str, str]) -> Start:
    """Return what to ask for. Raises `UsageError` where the token that mcci.yml wants is not there."""
    by_job = config.gitlab.trigger is TriggerToken.JOB
    name = "CI_JOB_TOKEN" if by_job else config.gitlab.trigger_token
    token = environment.get(name, "").strip()
    if not token:
        where = (
            "it is a GitLab job's own. At a terminal, use a trigger token: `gitlab: {trigger: trigger-token}`"
            if by_job
            else "it holds the trigger token (Settings > CI/CD > Pipeline trigger tokens): add it as a masked variable"
        )
        raise UsageError(f"{name} is not set: {where}.")
    by_input = config.gitlab.inputs and config.gitlab.version >= INPUTS_SINCE
    return Start(branch=config.branches.deployment, release=release, token=token, token_name=name, by_input=by_input)


def advice(start: Start, code: int, reason: str) -> str:
    """Return what to do about GitLab's refusal to start the pipeline."""
    words = reason.lower()
    if "pipeline variables" in words:
        return (
            "The project lets nobody like this pass variables. Pass the release as an input (`gitlab: {inputs: true}`,"
            " GitLab 17.11 or later), or lower `Minimum role to use pipeline variables` under Settings > CI/CD."
        )
    if "permission" in words or "protected" in words or code == 403:
        return (
            f"Whoever merged may not run pipelines on the protected branch {start.branch}. Either allow them to merge"
            f" or push to {start.branch} (Settings > Repository > Protected branches), or start it as somebody who"
            " may: a bot's trigger token in a masked, protected variable, and `gitlab: {trigger: trigger-token}` here."
        )
    if "reference not found" in words:
        return f"There is no branch {start.branch}: `mcci sync --push` makes it."
    if "input" in words:
        return (
            f"The pipeline of {start.branch} does not take the input `release`: bring it up to date with `mcci sync`."
        )
    if code in (401, 404):
        return f"It knows no such project, or does not take the token in {start.token_name}: see whether that is valid."
    return ""
