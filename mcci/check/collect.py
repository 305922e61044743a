"""From file names to what the rules look at: every file that is read on the way, every pipeline that comes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcci.check.jobs import ways
from mcci.check.pipelines import Pipeline
from mcci.check.subject import Context, SourceFile, Subject, source_file
from mcci.errors import InvalidInput
from mcci.findings import Finding
from mcci.pipeline import includes
from mcci.pipeline.configuration import Configuration, load_several
from mcci.pipeline.document import List, Map
from mcci.pipeline.files import Files, Sources
from mcci.pipeline.jobs import Job
from mcci.pipeline.limits import MAX_CHILD_DEPTH, MAX_HIERARCHY

PARENT = ".gitlab-ci.yml"
_BRANCH = re.compile(r"\$\{?CI_(?:COMMIT_BRANCH|COMMIT_REF_NAME|COMMIT_TAG|MERGE_REQUEST_\w+_BRANCH_NAME)\b")
_Part = tuple[str, Mapping[str, Any]]
# What is missing may stand in an include that is out of reach, or in one whose rules only GitLab can answer.
_PERHAPS_ELSEWHERE = frozenset({"extends", "reference", "no-jobs", "include-missing"})


def collect(
    files: Files,
    entries: Sequence[str],
    context: Context | None = None,
    branches: Mapping[str, Mapping[str, str]] | None = None,
) -> Subject:
    """Read the entry files and all that they include and start.

    An entry that another one includes, or starts as a child pipeline, is looked at as its part. Files that cannot be
    read become the subject's `unreadable` findings.
    """
    collection = _Collection(files)
    for name in entries:
        collection.read(name)
    parts = {name for file in list(collection.files.values()) for name in _named(file)}
    # Those that include others first: what they bring in, by a wildcard too, is then known to be a part.
    for name in sorted(entries, key=lambda name: not _brings(collection.files.get(name))):
        part = (name in parts and len(entries) > 1) or name in collection.merged
        if not part and name in collection.files and not _is_template(collection.files[name]):
            collection.add([(name, {})])
    return Subject(
        files=tuple(collection.files.values()),
        pipelines=tuple(collection.pipelines),
        refused=tuple(collection.refused),
        unreadable=tuple(collection.unreadable),
        branches=branches or {},
        context=context or Context(),
    )


@dataclass(slots=True)
class _Collection:
    source: Files
    files: dict[str, SourceFile] = field(default_factory=dict)
    pipelines: list[Pipeline] = field(default_factory=list)
    refused: list[Finding] = field(default_factory=list)
    unreadable: list[Finding] = field(default_factory=list)
    merged: set[str] = field(default_factory=set)

    def read(self, name: str) -> None:
        """Read one file as written, once."""
        if name in self.files:
            return
        try:
            text = self.source.read(name)
            if text is not None:
                self.files[name] = source_file(text, name)
        except InvalidInput as error:
            self.unreadable.extend(finding for finding in error.findings if finding not in self.unreadable)

    def add(self, parts: list[_Part], parent: Pipeline | None = None, started_by: str = "") -> None:
        """Merge one pipeline from its files, and then the child pipelines it starts."""
        context = includes.Context(world=_World(self.source))
        configuration = load_several(Sources(local=self.source), parts, context)
        for name in configuration.files:
            self.read(name)
            self.merged.add(name)
        if configuration.merged is None:
            self._refuse(configuration, complete=True)
            return
        pipeline = self._pipeline(configuration, parent, started_by)
        self.pipelines.append(pipeline)
        self._refuse(configuration, complete=pipeline.complete)
        if pipeline.depth <= MAX_CHILD_DEPTH:
            for name, job in _first_instances(configuration):
                self._child(pipeline, name, job)

    def _pipeline(self, configuration: Configuration, parent: Pipeline | None, started_by: str) -> Pipeline:
        assert configuration.merged is not None
        read = [self.files[name] for name in configuration.files if name in self.files]
        offline = any(finding.rule == "include-offline" for finding in configuration.findings)
        entry = self.files.get(configuration.file)
        return Pipeline(
            configuration=configuration,
            file=configuration.file,
            content=configuration.merged,
            jobs={name: job.keywords for name, job in _first_instances(configuration)},
            stages=configuration.stages,
            complete=not offline and not any(map(_includes_by_condition, read)),
            own_stages=entry is not None and entry.content is not None and "stages" in entry.content,
            includes=max(len(configuration.files) - 1, 0),
            parent=parent,
            started_by=started_by,
        )

    def _refuse(self, configuration: Configuration, *, complete: bool) -> None:
        """Keep what merging found, but for what a file out of reach may put right, and what follows from that."""
        doubtful = _PERHAPS_ELSEWHERE if not complete else frozenset()
        missing = {finding.position for finding in configuration.findings if finding.rule in doubtful}
        lines = {(position.file, position.line) for position in missing}
        for finding in configuration.findings:
            known = finding.rule == "include-offline" or finding in self.unreadable
            if not known and (finding.position.file, finding.position.line) not in lines:
                self.refused.append(finding)

    def _child(self, pipeline: Pipeline, name: str, job: Job) -> None:
        """Add the child pipeline that a job starts from files of this repository."""
        listed = job.trigger.include if job.trigger is not None else ()
        if not listed or len(self.pipelines) > MAX_HIERARCHY or any(part.kind != "local" for part in listed):
            return
        parts = [(part.value.lstrip("/"), part.inputs) for part in listed]
        missing = [part for part in listed if self._text(part.value.lstrip("/")) is None]
        for part in missing:
            if "$" not in part.value and not _on_some_branches(job):
                message = f"job '{name}' starts the child pipeline '{part.value}', a file that does not exist"
                self.refused.append(Finding(rule="include-missing", message=message, position=part.position))
        if not missing:
            self.add(parts, pipeline, name)

    def _text(self, name: str) -> str | None:
        try:
            return self.source.read(name)
        except InvalidInput:
            return ""  # there, and reported when it is merged


@dataclass(frozen=True, slots=True)
class _World:
    """What `include:rules` can ask of a checkout without an event."""

    files: Files

    def changed_paths(self, compare_to: str | None) -> tuple[str, ...] | None:
        """Return None: what changed is not known."""

    def existing_paths(self, project: str | None, ref: str | None) -> tuple[str, ...]:
        """Return the checkout's files; of another project there are none."""
        return tuple(self.files.paths()) if project is None else ()


def _first_instances(configuration: Configuration) -> Iterator[tuple[str, Job]]:
    for name, instances in configuration.groups.items():
        if instances:
            yield name, configuration.jobs[instances[0]]


def _on_some_branches(job: Job) -> bool:
    """Say whether the job may run on other branches only, which have the files it names."""
    found = ways(job.keywords)
    conditions = [str(way.rule.get("if", "")) if way.rule is not None else "" for way in found]
    return "only" in job.keywords or all(_BRANCH.search(condition) for condition in conditions)


def _includes(holder: object) -> list[object]:
    listed = holder.get("include") if isinstance(holder, Map) else None
    return list(listed) if isinstance(listed, List) else [listed]


def _named(file: SourceFile) -> Iterator[str]:
    """Yield the files of this repository that a file includes or starts as a child pipeline, by their plain names."""
    holders = [file.content, *(job.get("trigger") for _, job in file.jobs())]
    for holder in holders:
        for entry in _includes(holder):
            name = entry.get("local") if isinstance(entry, Map) else entry
            if isinstance(name, str) and name.lstrip("/") != file.name:
                yield name.lstrip("/")


def _brings(file: SourceFile | None) -> bool:
    return file is not None and file.content is not None and "include" in file.content


def _includes_by_condition(file: SourceFile) -> bool:
    """Say whether what a file includes depends on what only GitLab knows: rules, or variables in a path."""
    for entry in _includes(file.content):
        name = entry.get("local") if isinstance(entry, Map) else entry
        if (isinstance(entry, Map) and "rules" in entry) or (isinstance(name, str) and "$" in name):
            return True
    return False


def _is_template(file: SourceFile) -> bool:
    """Say whether a file cannot be a pipeline on its own: it has inputs that must be given, or no visible job."""
    spec = file.header.get("spec") if file.header is not None else None
    inputs = spec.get("inputs") if isinstance(spec, Map) else None
    if isinstance(inputs, Map):
        return any(not isinstance(item, Map) or "default" not in item for item in inputs.values())
    visible = any(not name.startswith(".") for name, _ in file.jobs())
    return not visible and file.content is not None and "include" not in file.content and file.name != PARENT
