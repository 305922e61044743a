"""What the rules look at: the files as written, and what the caller knows beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mcci.check.pipelines import Pipeline
from mcci.errors import InvalidInput
from mcci.findings import Finding, Position
from mcci.pipeline.document import List, Map, Value, read

# What libyaml counts as the end of a line; `str.splitlines` knows others.
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
GLOBAL_KEYWORDS = frozenset(
    {"$schema", "after_script", "before_script", "cache", "default", "image", "include", "services", "spec", "stages"}
    | {"variables", "workflow", "!reference"}
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceFile:
    """One GitLab CI file as written: the `spec` header, if it has one, and the content (a mapping, or it is wrong)."""

    name: str
    lines: tuple[str, ...]
    size: int
    header: Map | None
    value: Value

    @property
    def content(self) -> Map | None:
        """Return the content where it is a mapping, as it must be."""
        return self.value if isinstance(self.value, Map) else None

    def jobs(self) -> Iterator[tuple[str, Map]]:
        """Yield the jobs and hidden jobs that are mappings, in the order of the text."""
        for name, job in (self.content or {}).items():
            if name not in GLOBAL_KEYWORDS and isinstance(job, Map):
                yield name, job


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the text of the files does not say.

    `causes` maps a generated job (file, name) to the place in `mcci.yml` it comes from; `secrets` are variables the
    project marks as secret; `project` is its path on GitLab (`group/name`), `""` when not known. For the
    proofs: of which `branch` the files are (`""`: of any), which other `branches` have files of their own, the
    project's `default_branch`, and with which options `mcci simulate` reads the same `checkout`.
    """

    causes: Mapping[tuple[str, str], Position] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    project: str = ""
    branch: str = ""
    branches: tuple[str, ...] = ()
    default_branch: str = "main"
    checkout: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """All that one run of the rules looks at.

    `files` as written, `pipelines` as merged, `branches`: the files all branches share, by branch and name. `refused`
    is what merging found wrong, `unreadable` what no rule can look at.
    """

    files: tuple[SourceFile, ...]
    pipelines: tuple[Pipeline, ...] = ()
    refused: tuple[Finding, ...] = ()
    unreadable: tuple[Finding, ...] = ()
    branches: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    context: Context = field(default_factory=Context)


def source_file(text: str, name: str) -> SourceFile:
    """Read one file. Raises `InvalidInput` as `mcci.pipeline.document.read` does."""
    documents = read(text, name)
    header = documents[0] if len(documents) > 1 and isinstance(documents[0], Map) else None
    if header is not None and "spec" not in header:
        header = None
    value = documents[-1] if documents else None
    if len(documents) > (1 if header is None else 2):
        message = "a file holds one document, or a 'spec' header and one document"
        raise InvalidInput([Finding(rule="yaml-documents", message=message, position=Position(file=name))])
    return SourceFile(name=name, lines=tuple(_BREAK.split(text)), size=len(text.encode()), header=header, value=value)


def place(value: object, path: tuple[str | int, ...], *, at_key: bool = False) -> Position | None:
    """Return where the item at `path` inside `value` stands, as far down as the text has a place for it."""
    found: Position | None = value.position() if isinstance(value, Map | List) else None
    for index, part in enumerate(path):
        last = index == len(path) - 1
        if isinstance(value, Map) and part in value:
            key = str(part)
            found = value.position(key) if last and at_key else value.value_position(key)
            value = value[key]
        elif isinstance(value, List) and isinstance(part, int) and part < len(value):
            found, value = value.position(part), value[part]
        else:
            break
    return found
