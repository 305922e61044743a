"""A whole configuration: files read, included, extended, references followed, and understood as jobs.

`load` is the one way in. It never fails on what it reads: what GitLab would refuse is a finding at its position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcci.findings import Finding, Position, Severity
from mcci.pipeline.document import List, Map
from mcci.pipeline.extends import resolve_extends
from mcci.pipeline.files import Sources
from mcci.pipeline.includes import Context, FileLoader
from mcci.pipeline.job_reader import JobReader
from mcci.pipeline.jobs import Job
from mcci.pipeline.keywords import DEFAULT_KEYWORDS, GLOBAL_KEYWORDS
from mcci.pipeline.merge import deep_merge
from mcci.pipeline.rule_reader import RuleReader
from mcci.pipeline.rules import Rule
from mcci.pipeline.variable_reader import read_variables
from mcci.pipeline.variables import Variable

DEFAULT_STAGES = ("build", "test", "deploy")
FIRST, LAST = ".pre", ".post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """`workflow`: when there is a pipeline at all, what it is called, and what a newer one cancels."""

    rules: tuple[Rule, ...] | None = None
    name: str | None = None
    auto_cancel: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a configuration says.

    `jobs` has every job by name (instances of a parallel job each), in the file's order; `groups` the names of the
    instances by the job's name in the file; `stages` includes `.pre` and `.post`. `merged` is the YAML, all merged.
    """

    file: str
    stages: tuple[str, ...] = ()
    jobs: Mapping[str, Job] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    variables: Mapping[str, Variable] = field(default_factory=dict)
    workflow: Workflow = field(default_factory=Workflow)
    merged: Map | None = None
    files: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Return whether GitLab would take the configuration."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)


def load(sources: Sources, path: str, context: Context, inputs: Mapping[str, Any] | None = None) -> Configuration:
    """Return the configuration that starts at the file `path` of `sources.local`."""
    return load_several(sources, [(path, inputs or {})], context)


def load_several(sources: Sources, parts: list[tuple[str, Mapping[str, Any]]], context: Context) -> Configuration:
    """Return the configuration made of several files, as `trigger:include` may list them, each with its inputs."""
    loader = FileLoader(sources, context)
    root: Map | None = None
    for path, inputs in parts:
        content = loader.load(path, inputs)
        if content is not None:
            root = content if root is None else deep_merge(root, content)
    file = parts[0][0] if parts else ""
    if root is None:
        return Configuration(file=file, files=tuple(loader.files_read), findings=tuple(loader.findings))
    root = resolve_extends(root, loader.report)
    if loader.has_references:
        from mcci.pipeline.references import resolve_references

        root = resolve_references(root, loader.report)
    return _Understanding(file, root, loader).configuration()


class _Understanding:
    """Reads the merged YAML into a `Configuration`."""

    def __init__(self, file: str, root: Map, loader: FileLoader) -> None:
        self.file = file
        self.root = root
        self.loader = loader
        self.report = loader.report
        self.rules = RuleReader(loader.report)

    def configuration(self) -> Configuration:
        from mcci.pipeline.structure import check_structure

        stages = self._stages()
        jobs: dict[str, Job] = {}
        groups: dict[str, tuple[str, ...]] = {}
        hidden: list[str] = []
        reader = JobReader(self.root, self._default(), self.report, self.rules)
        for name, value in self.root.items():
            if name in GLOBAL_KEYWORDS:
                continue
            if name.startswith("."):
                hidden.append(name)
            elif not isinstance(value, Map):
                self.report("job", f"{name}: a job should be a mapping of keywords", self.root.position(name))
            else:
                instances = reader.read(name, value)
                groups[name] = tuple(job.name for job in instances)
                jobs.update((job.name, job) for job in instances)
        if not jobs and not any(finding.severity is Severity.ERROR for finding in self.loader.findings):
            self.report("no-jobs", "the configuration should have at least one visible job", self.root.position())
        check_structure(jobs, groups, stages, self.report)
        return Configuration(
            file=self.file,
            stages=stages,
            jobs=jobs,
            groups=groups,
            hidden=tuple(hidden),
            variables=self._variables(),
            workflow=self._workflow(),
            merged=self.root,
            files=tuple(self.loader.files_read),
            findings=tuple(self.loader.findings),
        )

    def _stages(self) -> tuple[str, ...]:
        key = "stages" if "stages" in self.root else "types"
        value = self.root.get(key)
        if value is None:
            return (FIRST, *DEFAULT_STAGES, LAST)
        names = _flat_texts(value, 10)
        if names is None:
            self.report("stages", "stages should be a list of names", self.root.value_position(key))
            return (FIRST, *DEFAULT_STAGES, LAST)
        between = [name for name in dict.fromkeys(names) if name not in (FIRST, LAST)]
        return (FIRST, *(between or DEFAULT_STAGES), LAST)

    def _default(self) -> Map | None:
        """Return the defaults: those under `default`, and the older global keywords."""
        default = self.root.get("default")
        if default is not None and not isinstance(default, Map):
            self.report("default", "default should be a mapping of keywords", self.root.value_position("default"))
            default = None
        for key in default or ():
            if key not in DEFAULT_KEYWORDS:
                self.report("unknown-keyword", f"default has no keyword '{key}'", (default or self.root).position(key))
        older = [key for key in DEFAULT_KEYWORDS & GLOBAL_KEYWORDS if key in self.root]
        if not older:
            return default
        merged = Map(self.root.file, self.root.node, dict.fromkeys(older, self.root))
        merged.update((key, self.root[key]) for key in older)
        return merged if default is None else deep_merge(merged, default)

    def _variables(self) -> Mapping[str, Variable]:
        value = self.root.get("variables")
        if value is None:
            return {}
        return read_variables(value, self.root, "global", self.report)

    def _workflow(self) -> Workflow:
        value = self.root.get("workflow")
        if value is None:
            return Workflow()
        where = self.root.value_position("workflow")
        if not isinstance(value, Map):
            self.report("workflow", "workflow should be a mapping with rules", where)
            return Workflow()
        for key in value:
            if key not in ("rules", "name", "auto_cancel"):
                self.report("unknown-keyword", f"workflow has no keyword '{key}'", value.position(key))
        rules = None
        if value.get("rules") is not None:
            rules = self.rules.workflow_rules(value["rules"], value)
        auto_cancel = value.get("auto_cancel")
        return Workflow(
            rules=rules,
            name=None if value.get("name") is None else str(value["name"]),
            auto_cancel=auto_cancel if isinstance(auto_cancel, Map) else {},
        )


def _flat_texts(value: Any, levels: int) -> list[str] | None:
    if not isinstance(value, List):
        return None
    names: list[str] = []
    for item in value:
        inner = _flat_texts(item, levels - 1) if isinstance(item, List) and levels else None
        if isinstance(item, str):
            names.append(item)
        elif inner is not None:
            names.extend(inner)
        else:
            return None
    return names


def at_start_of(file: str) -> Position:
    """Return the position that stands for a file as a whole."""
    return Position(file=file)
