"""One job of a configuration, as GitLab understands it once everything is merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcci.findings import Position
    from mcci.pipeline.document import Map
    from mcci.pipeline.needs import Need
    from mcci.pipeline.policies import Policy
    from mcci.pipeline.rules import Rule
    from mcci.pipeline.triggers import Trigger
    from mcci.pipeline.variables import Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowFailure:
    """`allow_failure`: always, never, or for some exit codes only. `stated` is false where the job does not say."""

    allowed: bool = False
    exit_codes: tuple[int, ...] = ()
    stated: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`environment`: its name and URL as written, what the job does to it, and its tier where given."""

    name: str
    action: str = "start"
    url: str | None = None
    tier: str | None = None
    on_stop: str | None = None
    auto_stop_in: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """`retry`: how often at most, after which failures and exit codes (none named: any)."""

    max: int = 0
    when: tuple[str, ...] = ()
    exit_codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job. `name` is that of the instance (`test 1/3`), `group` the one in the file (`test`).

    `needs` is None where the job has no such keyword (it then waits for the earlier stages), empty where it needs
    nothing. `rules`, `only` and `except_` are None where the job does not have them. `keywords` is the job's merged
    YAML, for what is not said here; `root` is where the job's own key stands.
    """

    name: str
    group: str
    stage: str
    when: str = "on_success"
    start_in: str | None = None
    allow_failure: AllowFailure = AllowFailure(stated=False)
    rules: tuple[Rule, ...] | None = None
    only: Policy | None = None
    except_: Policy | None = None
    needs: tuple[Need, ...] | None = None
    dependencies: tuple[str, ...] | None = None
    variables: Mapping[str, Variable] = field(default_factory=dict)
    inherited_variables: bool | tuple[str, ...] = True
    environment: Environment | None = None
    resource_group: str | None = None
    interruptible: bool = False
    trigger: Trigger | None = None
    retry: Retry = Retry()
    node_index: int | None = None
    node_total: int = 1
    keywords: Map = field(repr=False, compare=False)
    root: Map = field(repr=False, compare=False)

    @property
    def position(self) -> Position:
        """Return where the job's name stands."""
        return self.root.position(self.group)
