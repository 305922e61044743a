"""What the generators share while they build: the configuration, the templates, the forms of this GitLab version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci import __version__
from mcci.config.keys import Version
from mcci.config.model import Config, Layout, Runner
from mcci.errors import UsageError
from mcci.pipeline.generate.pipelines import Pipeline
from mcci.pipeline.generate.templates import Template, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.pipeline.dump import Value

# What the input is when nobody gives one. Not empty: GitLab holds that an empty text matches no `regex`, and without
# one the text of an input, which GitLab puts into the file as it is, could bring in YAML of its own.
NO_RELEASE = "default"


def _release(build: Build) -> dict[str, Value]:
    """Return the declaration of the pipeline input `release`."""
    otherwise = "the pipeline's own commit" if build.trunk else "the one recorded in each environment"
    return {
        "release": {
            "description": f"The release to deploy, a commit; by default {otherwise}.",
            "default": NO_RELEASE,
            "regex": f"^({NO_RELEASE}|[0-9a-f]{{7,64}})$",
        }
    }


# The inputs that mcci fills in, by template.
INPUTS: Mapping[str, frozenset[str]] = {
    "default": frozenset({"image", "install", "tags", "timeout", "retry", "retry_exit_codes"}),
    "helm": frozenset({"install"}),
    "rule-push": frozenset(),
    "rule-merge-request": frozenset(),
    "rule-manual": frozenset(),
    "rule-optional": frozenset(),
    "workflow-three-branch": frozenset({"default", "development", "deployment"}),
    "workflow-trunk": frozenset({"default"}),
    "workflow-child": frozenset(),
    "child": frozenset({"name", "stage", "file", "inputs", "strategy", "forward_variables"}),
    "engine-dind": frozenset({"mirror"}),
    "engine-socket": frozenset({"mirror"}),
    "engine-buildah": frozenset({"mirror"}),
    "compile-python": frozenset({"service", "path", "stage"}),
    "compile-maven": frozenset({"service", "path", "stage"}),
    "compile-node": frozenset({"service", "path", "stage"}),
    "compile-go": frozenset({"service", "path", "stage"}),
    "check": frozenset({"stage", "file"}),
    "check-branches": frozenset({"stage"}),
    "build": frozenset({"service", "stage"}),
    "test": frozenset({"service", "stage"}),
    "push": frozenset({"service", "stage"}),
    "deliver": frozenset({"stage"}),
    "release": frozenset({"stage"}),
    "diff": frozenset({"environment", "stage"}),
    "deploy": frozenset({"environment", "cluster", "tier", "url", "stage"}),
    "verify": frozenset({"environment", "cluster", "tier", "stage"}),
    "canary": frozenset({"service", "label", "weight", "option", "environment", "cluster", "tier", "stage"}),
    "promote": frozenset({"service", "label", "option", "environment", "cluster", "tier", "stage"}),
    "abort": frozenset({"service", "label", "option", "environment", "cluster", "tier", "stage"}),
    "rollback": frozenset({"environment", "cluster", "tier", "url", "stage"}),
}


def _install(runner: Runner) -> list[Value]:
    return [line.replace("{version}", __version__) for line in runner.install]


@dataclass(frozen=True, slots=True)
class Build:
    """One run of the generator."""

    config: Config
    templates: Mapping[str, Template]

    @classmethod
    def of(cls, config: Config, sources: Mapping[str, tuple[str, str]]) -> Build:
        """Return a build; `sources` maps a template's name to its file's name and text.

        Raises `InvalidInput` for a template that cannot be used, `UsageError` for a name that no template has.
        """
        unknown = [file for name, (file, _) in sources.items() if name not in INPUTS]
        if unknown:
            raise UsageError(
                f"{unknown[0]}: mcci has no job template of this name. It has {', '.join(sorted(INPUTS))}."
            )
        return cls(config, {name: parse(text, file, INPUTS[name]) for name, (file, text) in sources.items()})

    @property
    def trunk(self) -> bool:
        """Whether one branch holds everything."""
        return self.config.layout is Layout.TRUNK

    @property
    def strategy(self) -> str:
        """How a trigger job shows its child's status: `depend` shows a blocked child as running."""
        return "mirror" if self.config.gitlab.version >= Version(18, 2) else "depend"

    @property
    def uses_inputs(self) -> bool:
        """Whether the release is a pipeline input: GitLab takes them over its API from 17.11 on."""
        return self.config.gitlab.inputs and self.config.gitlab.version >= Version(17, 11)

    @property
    def has_deployment(self) -> bool:
        """Whether there is anything to deploy to."""
        return bool(self.config.environments)

    def stage(self, name: str) -> str:
        """Return the name that `mcci.yml` gives a stage."""
        return self.config.stages.get(name, name)

    def confirmation(self, question: str) -> str | None:
        """Return the text that GitLab asks before a manual job runs, where it can (17.1)."""
        return question if self.config.gitlab.version >= Version(17, 1) else None

    def rule(self, pipeline: Pipeline, name: str) -> str:
        """Take the hidden job with the rules called `name` into `pipeline`, and return its name to extend."""
        pipeline.share(self.templates[f"rule-{name}"], {})
        return f".{name}"

    def pipeline(self, path: str, branch: str) -> Pipeline:
        """Return an empty pipeline file with its header."""
        arguments = "" if self.trunk else f" --branch {branch}"
        header = (
            f"Generated by mcci {__version__} with `mcci generate{arguments}`.\n"
            f"Do not edit: change mcci.yml, or a job template in {self.config.templates}/, and run it again."
        )
        return Pipeline(path, header, self._timeouts())

    def _timeouts(self) -> dict[str, str]:
        given = {name: limit.words() for name, limit in self.config.runner.timeouts.items()}
        if "verify" in given:
            given |= {f"verify-{name}": given["verify"] for name in self.config.environments}
        return {self.stage(name): limit for name, limit in given.items()}

    def begin(self, pipeline: Pipeline, stages: list[str]) -> None:
        """Put into `pipeline` what every one with scripts has: stages, defaults and the base of mcci's jobs."""
        runner = self.config.runner
        pipeline.top["stages"] = list(stages)
        pipeline.share(
            self.templates["default"],
            {
                "image": runner.image,
                "install": _install(runner),
                "tags": list(runner.tags),
                "timeout": runner.timeout.words(),
                "retry": runner.retry,
                "retry_exit_codes": list(runner.retry_exit_codes),
            },
        )

    def take_helm(self, pipeline: Pipeline) -> None:
        """Take the base of the jobs that deploy into `pipeline`."""
        runner = self.config.runner
        pipeline.share(self.templates["helm"], {"install": [*_install(runner), *runner.helm]})

    def take_release(self, pipeline: Pipeline) -> None:
        """Let `pipeline` be given the release, which its jobs then find in MCCI_RELEASE."""
        if self.uses_inputs:
            pipeline.spec = {"inputs": _release(self)}
            # Not expanded, so that nobody reads a protected variable by giving its name as the release.
            pipeline.top["variables"] = {"MCCI_RELEASE": {"value": "$[[ inputs.release ]]", "expand": False}}

    def child(self, pipeline: Pipeline, name: str, *, stage: str, file: str, release: bool, **keywords: Value) -> None:
        """Add the trigger job `name` for the child pipeline in `file`; `release` hands the release on."""
        inputs: dict[str, Value] = {"release": "$[[ inputs.release ]]"} if release and self.uses_inputs else {}
        pipeline.add(
            self.templates["child"],
            {
                "name": name,
                "stage": stage,
                "file": file,
                "inputs": inputs,
                "strategy": self.strategy,
                "forward_variables": release and not self.uses_inputs,
            },
            self.config.marks.at,
            **keywords,
        )
