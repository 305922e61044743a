"""What a job does to the world, as its commands and its environment tell.

A job writes a cluster when it runs `mcci deploy`, `rollback` or `canary step|promote|abort`, Helm's or kubectl's
commands that write, or when it deploys to an environment (action `start`). Review environments, of the tier
`development`, are a merge request's own and do not count. `--dry-run` writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from mcci.check.jobs import tier_of
from mcci.check.shell import Command, commands
from mcci.pipeline.document import List
from mcci.pipeline.jobs import Job

_HELM = frozenset(("install", "upgrade", "uninstall", "delete", "rollback"))
_KUBECTL = frozenset(
    (
        *("annotate", "apply", "autoscale", "cordon", "create", "delete", "drain", "edit", "expose", "label", "patch"),
        *("replace", "rollout", "run", "scale", "set", "taint", "uncordon"),
    )
)
_READS = frozenset(("status", "history", "view"))
_CANARY = frozenset(("step", "promote", "abort"))
_DRY = re.compile(r"--dry-run(?:=(?!none|false)\w+)?$")
_VALUED = frozenset(("-n", "--namespace", "--context", "--kube-context", "--kubeconfig", "-c", "--config"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A canary's job: its service, the environment where it says one, the `step` in percent (None: another action)."""

    service: str
    action: str
    environment: str = ""
    step: int | None = None

    @property
    def target(self) -> str:
        """Return what it moves, in words: a service's canary, in one of several productions."""
        return f"the canary of {self.service}{f' in {self.environment}' if self.environment else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a job does: the environment whose cluster it writes, its canary, the release registry, other deliveries.

    `deploys`: the job counts as a deployment of `environment` (action `start`). `cluster` names what it writes, None
    where it writes none. `starts`: it starts the pipeline that delivers.
    """

    environment: str = ""
    tier: str = ""
    deploys: bool = False
    cluster: str | None = None
    canary: Canary | None = None
    registry: bool = False
    starts: bool = False

    @property
    def production(self) -> bool:
        """Return whether production changes."""
        return self.tier == "production" and (self.deploys or self.cluster is not None or self.canary is not None)

    @property
    def writes(self) -> str:
        """Return, in words, what a merge request must not do; nothing for a job that is safe there."""
        if self.canary is not None:
            return f"moves {self.canary.target}"
        if self.cluster is not None:
            return f"changes {self.cluster}"
        if self.registry:
            return "writes to the release registry"
        return "starts a delivery" if self.starts else ""


def effects(job: Job) -> Effects:
    """Return what a job does."""
    called = [words for text in _script(job) for words in _calls(text)]
    environment = job.environment.name if job.environment is not None else ""
    tier = ""
    if job.environment is not None:
        tier = job.environment.tier or tier_of(environment)
    deploys = job.environment is not None and job.environment.action == "start"
    canary = next((found for words in called if (found := _canary(words)) is not None), None)
    writing = any(map(_writes_cluster, called)) or (deploys and job.trigger is None)
    own = tier == "development"
    return Effects(
        environment=environment,
        tier=tier,
        deploys=deploys,
        cluster=(environment or "a cluster") if writing and canary is None and not own else None,
        canary=canary,
        registry=any(words[:2] == ("mcci", "push") for words in called),
        starts=any(words[:2] == ("mcci", "trigger") for words in called),
    )


def _script(job: Job) -> Iterator[str]:
    """Yield the job's commands, each shell's as one text, so that what spans items is read together."""
    for keywords in (("before_script", "script"), ("after_script",)):
        lines: list[str] = []
        for keyword in keywords:
            value = job.keywords.get(keyword)
            lines.extend(_flat(value))
        if lines:
            yield "\n".join(lines)


def _flat(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, List):
        for item in value:
            yield from _flat(item)


_WRITERS = re.compile(r"\b(?:mcci|helm|kubectl)\b")


@lru_cache(maxsize=65536)
def _calls(script: str) -> tuple[tuple[str, ...], ...]:
    """Return the calls of mcci, helm and kubectl in a script that are no dry runs: the name, then the plain words."""
    if not _WRITERS.search(script):
        return ()
    return tuple(words for command in commands(script) if (words := _call(command)) is not None)


def _call(command: Command) -> tuple[str, ...] | None:
    words = [command.name.rpartition("/")[2], *(word.text.strip("\"'") for word in command.words)]
    while words and words[0] in ("exec", "time", "sudo", "env", "command"):
        words = words[1:]
    if not words or words[0] not in ("mcci", "helm", "kubectl") or any(map(_DRY.match, words)):
        return None
    return (words[0], *_without_options(words[1:]))


def _without_options(words: list[str]) -> Iterator[str]:
    """Yield the words, options before the command left out with their values; later ones are kept."""
    skip, started = False, False
    for word in words:
        if skip:
            skip = False
        elif not started and word.startswith("-"):
            skip = word in _VALUED
        else:
            started = True
            yield word


def _writes_cluster(words: tuple[str, ...]) -> bool:
    name, action = words[0], words[1] if len(words) > 1 else ""
    if name == "mcci":
        return action in ("deploy", "rollback")
    if name == "helm":
        return action in _HELM
    return action in _KUBECTL and (words[2] if len(words) > 2 else "") not in _READS


def _canary(words: tuple[str, ...]) -> Canary | None:
    if words[:2] != ("mcci", "canary") or len(words) < 4 or words[2] not in _CANARY:
        return None
    options = {"--to": "", "--environment": ""}
    plain: list[str] = []
    rest = iter(words[3:])
    for word in rest:
        name, equals, value = word.partition("=")
        if name in options:
            options[name] = value if equals else next(rest, "")
        elif not word.startswith("-"):
            plain.append(word)
    step = options["--to"]
    return Canary(
        service=plain[0] if plain else "",
        action=words[2],
        environment=options["--environment"],
        step=int(step) if step.isdecimal() else None,
    )
