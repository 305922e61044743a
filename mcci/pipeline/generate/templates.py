"""Job templates: GitLab CI files with a `spec:inputs` header, a part that every pipeline holds once, and one job.

The shared part (hidden jobs, `default`) goes into a pipeline as the text it is, with its comments; the job is filled
in once for each service, cluster or weight. `$[[ inputs.NAME ]]` is GitLab's own interpolation, done here at
generation, so the result shows plain commands. A key whose whole value is filled with nothing is left out.

Source: https://docs.gitlab.com/ci/inputs/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mcci.errors import InvalidInput
from mcci.findings import Finding, Position
from mcci.pipeline.document import Map, read
from mcci.pipeline.dump import Value, inline, text

if TYPE_CHECKING:
    from collections.abc import Mapping

Inputs: TypeAlias = "Mapping[str, Value]"

_INPUT = re.compile(r"\$\[\[\s*inputs\.([A-Za-z_][A-Za-z0-9_-]*)\s*\]\]")
_LINE_VALUE = re.compile(
    r"^(?P<lead>[^#\n]*?:[ ]+|[ ]*- )\$\[\[\s*inputs\.([A-Za-z_][A-Za-z0-9_-]*)\s*\]\][ ]*$\n", re.MULTILINE
)
_DROP = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One template: `shared` is text; `name`, `job` and `comment` are the job's, or empty where the file has none."""

    file: str
    inputs: tuple[str, ...]
    shared: str
    name: str
    job: Mapping[str, Value]
    comment: str = ""

    def shared_text(self, inputs: Inputs) -> str:
        """Return the shared part, filled in."""

        def fill_line(match: re.Match[str]) -> str:
            value = inputs[match[2]]
            if _is_nothing(value):
                return ""
            return f"{match['lead']}{text(value) if isinstance(value, str) else inline(value)}\n"

        filled = _LINE_VALUE.sub(fill_line, self.shared)
        return _INPUT.sub(lambda match: str(inputs[match[1]]), filled)

    def instantiate(self, inputs: Inputs) -> tuple[str, dict[str, Value]]:
        """Return the job's name and body, filled in."""
        body = _fill(self.job, inputs)
        assert isinstance(body, dict)
        return str(_fill(self.name, inputs)), body


def parse(source: str, file: str, inputs: frozenset[str]) -> Template:
    """Return the template that `source` holds; `inputs` are the names that mcci fills in for a template of its name.

    Raises `InvalidInput` when it is no GitLab CI text with a header, asks for an input that is not filled in, or has
    more than one visible job.
    """
    documents = read(source, file)
    if len(documents) != 2 or not isinstance(documents[0], Map) or "spec" not in documents[0]:
        raise _invalid("a template begins with a 'spec: inputs:' header and a '---' line.", Position(file=file))
    content = documents[1] if isinstance(documents[1], Map) else {}
    spec = documents[0]["spec"]
    declared = spec.get("inputs") if isinstance(spec, Map) else None
    names = tuple(declared) if isinstance(declared, Map) else ()
    for match in _INPUT.finditer(source):
        if match[1] not in names or match[1] not in inputs:
            where = Position(file=file, line=source.count("\n", 0, match.start()) + 1)
            known = ", ".join(sorted(inputs)) or "none"
            raise _invalid(f"the input '{match[1]}' is not one that is filled in here ({known}).", where)
    visible = [name for name in content if not name.startswith(".") and name not in _GLOBAL]
    if len(visible) > 1 and isinstance(content, Map):
        raise _invalid(f"a template has one job, and '{visible[1]}' is a second one.", content.position(visible[1]))
    body = source[re.search(r"^---[^\n]*\n", source, re.MULTILINE).end() :]  # type: ignore[union-attr]
    if not visible or not isinstance(content, Map):
        return Template(file=file, inputs=names, shared=body.strip("\n") + "\n", name="", job={})
    line = content.position(visible[0]).line - source[: len(source) - len(body)].count("\n")
    shared, job_text = _split(body, line)
    if not job_text.startswith(visible[0]) and not job_text.startswith(('"', "'")):
        raise _invalid("the job must be the last part of its template.", content.position(visible[0]))
    job = content[visible[0]]
    if not isinstance(job, Map):
        raise _invalid(f"the job '{visible[0]}' must be a mapping.", content.position(visible[0]))
    comment = shared if all(line.startswith("#") for line in shared.splitlines()) else ""
    return Template(
        file=file, inputs=names, shared="" if comment else shared, name=visible[0], job=job, comment=comment
    )


_GLOBAL = frozenset({"default", "variables", "workflow", "stages", "include", "image", "services", "cache"})


def _split(body: str, line: int) -> tuple[str, str]:
    """Return the text before and from `line` (counted from 1), the former without blank lines around it."""
    lines = body.splitlines(keepends=True)
    shared = "".join(lines[: line - 1]).strip("\n")
    return f"{shared}\n" if shared else "", "".join(lines[line - 1 :])


def _fill(value: Value, inputs: Inputs) -> Value:
    filled = _filled(value, inputs)
    return "" if filled is _DROP else filled  # type: ignore[return-value]


def _filled(value: object, inputs: Inputs) -> object:
    """Return `value` with its inputs filled in, or `_DROP` when it was one input and that is nothing."""
    if isinstance(value, str):
        if "$[[" not in value:
            return value
        whole = _INPUT.fullmatch(value)
        if whole:
            return _DROP if _is_nothing(inputs[whole[1]]) else inputs[whole[1]]
        return _INPUT.sub(lambda match: str(inputs[match[1]]), value)
    if isinstance(value, dict):
        pairs = ((key, _filled(item, inputs)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not _DROP}
    if isinstance(value, list):
        return [item for item in (_filled(each, inputs) for each in value) if item is not _DROP]
    return value


def _is_nothing(value: Value) -> bool:
    return value is None or value in ("", (), [], {})


def _invalid(message: str, position: Position) -> InvalidInput:
    return InvalidInput([Finding(rule="template", message=message, position=position)])
