"""`include`: other files' content below a file's own.

https://docs.gitlab.com/ci/yaml/includes/ and https://docs.gitlab.com/ci/yaml/#include
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mcci.errors import InvalidInput
from mcci.findings import Finding, Position
from mcci.pipeline.document import List, Map, read
from mcci.pipeline.files import Files, Sources
from mcci.pipeline.merge import deep_merge
from mcci.pipeline.rule_reader import RuleReader
from mcci.pipeline.rules import RuleError, World, first_match
from mcci.pipeline.variables import expand

if TYPE_CHECKING:
    from mcci.pipeline.components import Component

MAX_INCLUDES = 150
MAX_NESTING = 100
MAX_CHARACTERS = 20 * 1024 * 1024
_KINDS = ("local", "file", "remote", "template", "component", "artifact", "project")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is known before a configuration is read: the variables an include may use, and the world its rules see."""

    variables: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    world: World


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a file is read from, and so where its own `include:local` looks.

    `prefix` names it in positions. A component's own file has its `component`: what its `$[[ component.* ]]` are.
    """

    files: Files
    prefix: str = ""
    component: Component | None = None


class FileLoader:
    """Reads a file and all it includes into one mapping. Findings gather in `findings`."""

    def __init__(self, sources: Sources, context: Context) -> None:
        self.sources = sources
        self.context = context
        self.findings: list[Finding] = []
        self.files_read: list[str] = []
        self.has_references = False
        self._count = 0
        self._characters = 0

    def report(self, rule: str, message: str, position: Position) -> None:
        """Add a finding."""
        self.findings.append(Finding(rule=rule, message=message, position=position))

    def load(self, path: str, inputs: Mapping[str, Any]) -> Map | None:
        """Return the file's content, its inputs filled in and its includes merged below it; None when unreadable."""
        text = self._read(_Place(self.sources.local), path, Position(file=path))
        if text is None:
            return None
        return self._content(_Place(self.sources.local), path, text, inputs, Position(file=path), 0)

    def _read(self, place: _Place, path: str, where: Position) -> str | None:
        try:
            text = place.files.read(path)
        except InvalidInput as error:
            self.findings.extend(error.findings)
            return None
        if text is None:
            is_first = not self.files_read
            advice = "Give the folder of a checkout, or the file's path in it." if is_first else ""
            message = f"the file '{place.prefix}{path}' does not exist{'.' if advice else ''}"
            rule = "config-missing" if is_first else "include-missing"
            self.findings.append(Finding(rule=rule, message=message, position=where, help=advice))
        elif self._is_too_large(text, where):
            return None
        elif not text.strip():
            self.report("include-empty", f"the file '{place.prefix}{path}' is empty", where)
            return None
        return text

    def _is_too_large(self, text: str, where: Position) -> bool:
        """Return whether all files together are more than memory should hold; reported once."""
        before = self._characters
        self._characters += len(text)
        if before <= MAX_CHARACTERS < self._characters:
            message = f"the files included are larger than {MAX_CHARACTERS // 2**20} MiB in all"
            self.report("include-size", message, where)
        return self._characters > MAX_CHARACTERS

    def _content(
        self, place: _Place, path: str, text: str, inputs: Mapping[str, Any], where: Position, depth: int
    ) -> Map | None:
        name = place.prefix + path
        self.files_read.append(name)
        try:
            filled = self._filled(text, name, inputs, where, place.component)
            documents = [] if filled is None else read(filled, name)
        except InvalidInput as error:
            self.findings.extend(error.findings)
            return None
        if filled is None:
            return None
        self.has_references = self.has_references or "!reference" in text
        content = documents[0] if documents else None
        if isinstance(content, Map) and "spec" in content:
            if len(documents) > 1:
                content = documents[1]
            elif set(content) == {"spec"}:
                content = None
        if not isinstance(content, Map):
            message = f"'{name}' should hold a mapping of keywords and jobs"
            self.report("config", message, Position(file=name))
            return None
        return self._with_includes(place, content, depth) if "include" in content else content

    def _filled(
        self, text: str, name: str, inputs: Mapping[str, Any], where: Position, component: Component | None
    ) -> str | None:
        """Return the content's text with its inputs filled in; None when it cannot be."""
        from mcci.pipeline.interpolation import interpolate, split_header

        parts = split_header(text)
        if parts is None:
            if inputs:
                message = f"inputs were given, but '{name}' has no spec:inputs header that declares them"
                self.report("inputs", message, where)
            return text
        from mcci.pipeline.inputs import declared_inputs, resolve_inputs

        header = read(parts[0], name)[0]
        if not isinstance(header, Map):
            return text
        before = len(self.findings)
        values = resolve_inputs(declared_inputs(header, self.report), inputs, self.report, where)
        if len(self.findings) > before:
            return None
        if "$[[" not in parts[1]:
            return parts[1]
        contexts: dict[str, Mapping[str, Any]] = {"inputs": values}
        spec = header.get("spec")
        if isinstance(spec, Map) and "component" in spec:
            from mcci.pipeline.components import asked_of

            contexts["component"] = asked_of(component, spec, self.report)
            if len(self.findings) > before:
                return None
        return interpolate(parts[1], contexts, self._variable, self.report, name)

    def _variable(self, name: str) -> str | None:
        if name in self.context.hidden:
            from mcci.pipeline.input_functions import FunctionError

            raise FunctionError("variable expansion error: masked variables cannot be expanded")
        return self.context.variables.get(name)

    def _with_includes(self, place: _Place, content: Map, depth: int) -> Map:
        merged: Map | None = None
        for entry, where in self._entries(content):
            for inner_place, path, inputs in self._targets(place, entry, where):
                self._count += 1
                if self._count > MAX_INCLUDES or depth >= MAX_NESTING:
                    if self._count == MAX_INCLUDES + 1 or depth >= MAX_NESTING:
                        self._count = max(self._count, MAX_INCLUDES + 1)
                        self.report("include-limit", f"more than {MAX_INCLUDES} nested includes, GitLab's limit", where)
                    break
                text = self._read(inner_place, path, where)
                inner = None if text is None else self._content(inner_place, path, text, inputs, where, depth + 1)
                if inner is not None:
                    merged = inner if merged is None else deep_merge(merged, inner)
        own = Map(content.file, content.node, content.origins)
        own.update((key, value) for key, value in content.items() if key != "include")
        return own if merged is None else deep_merge(merged, own)

    def _entries(self, content: Map) -> Iterator[tuple[Any, Position]]:
        include = content["include"]
        if isinstance(include, List):
            for index, entry in enumerate(include):
                yield entry, include.position(index)
        elif include is not None:
            yield include, content.value_position("include")

    def _targets(self, place: _Place, entry: Any, where: Position) -> Iterator[tuple[_Place, str, Mapping[str, Any]]]:
        """Yield the files that an entry names: where from, which, with which inputs."""
        if isinstance(entry, str):
            entry = expand(entry, self.context.variables.get)
            kind = "remote" if entry.startswith(("http://", "https://")) else "local"
            yield from self._located(place, kind, entry, None, {}, where)
            return
        if not isinstance(entry, Map):
            self.report("include", "include should be a path, or a mapping such as `local: path`", where)
            return
        kinds = [key for key in _KINDS if key in entry]
        kind = "project" if "project" in entry else kinds[0] if kinds else ""
        if not kind or (len(kinds) > 1 and set(kinds) != {"project", "file"}):
            known = "local, project, remote, template, component or artifact"
            self.report("include", f"each include must name one of {known}", where)
            return
        if not self._applies(entry):
            return
        if "integrity" in entry:
            from mcci.pipeline.integrity import is_well_formed

            if not is_well_formed(entry, self.report):
                return
        inputs = entry.get("inputs")
        if inputs is not None and not isinstance(inputs, Map):
            self.report("include", "include:inputs should be a mapping", entry.value_position("inputs"))
            inputs = None
        yield from self._located(place, kind, entry[kind], entry, inputs or {}, where)

    def _applies(self, entry: Map) -> bool:
        if "rules" not in entry:
            return True
        rules = RuleReader(self.report).include_rules(entry["rules"], entry)
        try:
            index = first_match(rules, self.context.variables.get, self.context.world)
        except RuleError as error:
            self.report("include-rules", str(error), entry.value_position("rules"))
            return False
        return index is not None and rules[index].when != "never"

    def _located(
        self, place: _Place, kind: str, value: Any, entry: Map | None, inputs: Mapping[str, Any], where: Position
    ) -> Iterator[tuple[_Place, str, Mapping[str, Any]]]:
        if kind == "project" and entry is not None:
            yield from self._project(entry, inputs, where)
            return
        if not isinstance(value, str):
            self.report("include", f"include:{kind} should be a text", where)
            return
        value = expand(value, self.context.variables.get)
        if kind == "local":
            for path in self._local(place, value, where):
                yield replace(place, component=None), path, inputs
        elif kind == "artifact":
            self.report("include", "include:artifact is only possible below trigger", where)
        elif kind == "component":
            yield from self._component(value, inputs, where)
        else:
            files = self.sources.remote if kind == "remote" else self.sources.templates
            option = "remote" if kind == "remote" else "templates"
            if files is None or files.read(value) is None:
                self.report(
                    "include-offline",
                    f"include:{kind} '{value}' is not at hand offline; give a folder that has it with --{option}",
                    where,
                )
            elif self._is_intact(files.read(value) or "", entry):
                yield _Place(files, f"{kind}:"), value, inputs

    def _is_intact(self, text: str, entry: Map | None) -> bool:
        if entry is None or "integrity" not in entry:
            return True
        from mcci.pipeline.integrity import is_intact

        return is_intact(text, entry, self.report)

    def _local(self, place: _Place, value: str, where: Position) -> list[str]:
        path = value.strip().removeprefix("/")
        if not path.endswith((".yml", ".yaml")):
            self.report("include", f"the file '{value}' does not have a YAML extension", where)
            return []
        if "*" not in path:
            return [path]
        from mcci.pipeline import globs

        found = [one for one in place.files.paths() if globs.matches(path, one)]
        if not found:
            self.report("include-missing", f"no file matches include:local '{value}'", where)
        return found

    def _project(self, entry: Map, inputs: Mapping[str, Any], where: Position) -> Iterator[tuple[_Place, str, Any]]:
        project = expand(str(entry["project"]), self.context.variables.get)
        ref = entry.get("ref")
        ref = None if ref is None else expand(str(ref), self.context.variables.get)
        names = entry.get("file")
        names = list(names) if isinstance(names, List) else [names]
        if not all(isinstance(name, str) for name in names):
            self.report("include", "include:project needs file: a path or a list of paths", where)
            return
        files = self.sources.project(project, ref)
        if files is None:
            message = f"the project '{project}' is not at hand offline; give its checkout with --projects"
            self.report("include-offline", message, where)
            return
        for name in names:
            path = expand(name, self.context.variables.get).removeprefix("/")
            yield _Place(files, f"{project}:"), path, inputs

    def _component(self, value: str, inputs: Mapping[str, Any], where: Position) -> Iterator[tuple[_Place, str, Any]]:
        from mcci.pipeline.components import Component

        address, _, version = value.partition("@")
        project, _, component = address.rpartition("/")
        shorter = project.partition("/")[2]
        files = (
            self.sources.components.get(project)
            or self.sources.components.get(shorter)
            or self.sources.project(shorter, None)
        )
        if files is None:
            message = f"the component '{value}' is not at hand offline; give its project's checkout with --projects"
            self.report("include-offline", message, where)
            return
        for path in (f"templates/{component}.yml", f"templates/{component}/template.yml"):
            if files.read(path) is not None:
                yield _Place(files, f"{project}:", Component(name=component, reference=version)), path, inputs
                return
        self.report("include-missing", f"the component '{value}' has no template in '{project}'", where)
