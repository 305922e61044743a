"""Everything GitLab's own schema says about a file, one finding a mistake, at the mistake."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.gitlab_schema import DEFAULT, GLOBAL, JOB, GitlabSchema
from mcci.check.open_values import is_open
from mcci.check.rule import Rule
from mcci.check.schema_problem import Problem
from mcci.check.subject import GLOBAL_KEYWORDS, SourceFile, Subject, place
from mcci.check.words import did_you_mean
from mcci.findings import Finding, Position, Severity
from mcci.pipeline.document import List, Map

RULE = Rule(
    id="gitlab-schema",
    summary="The file is not what GitLab's CI/CD schema allows.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Check the files one by one; a hidden job only where a job extends it, since else it may hold anything."""
    schema = GitlabSchema()
    extended = {name for file in subject.files for _, job in file.jobs() for name in _extends(job)}
    for file in subject.files:
        yield from _file(schema, file, extended)


def _file(schema: GitlabSchema, file: SourceFile, extended: set[str]) -> Iterator[Finding]:
    if file.header is not None:
        yield from _value(schema, GLOBAL, file.header, "spec", "")
    if file.content is None:
        position = place(file.value, ()) or Position(file=file.name)
        yield RULE.finding(position, "the file must be a mapping of jobs and keywords")
        return
    for name in file.content:
        if name in GLOBAL_KEYWORDS and name != "default":
            yield from _value(schema, GLOBAL, file.content, name, "")
        elif not name.startswith(".") or name in extended:
            yield from _mapping(schema, file.content, name)


def _mapping(schema: GitlabSchema, content: Map, name: str) -> Iterator[Finding]:
    """Check a job, or `default`."""
    section, subject = (DEFAULT, "'default'") if name == "default" else (JOB, f"job '{name}'")
    value = content[name]
    if is_open(value):
        return
    if not isinstance(value, Map):
        near = did_you_mean(name, GLOBAL_KEYWORDS)
        yield RULE.finding(content.position(name), f"{subject} must be a mapping{near}")
        return
    # What a template or its user leaves out may come from the other one.
    partial = name.startswith(".") or "extends" in value
    known = schema.keywords(section)
    for keyword in value:
        if keyword in known:
            yield from _value(schema, section, value, keyword, f"{subject}: ", partial=partial)
        elif "$[[" not in keyword:
            near = did_you_mean(keyword, known)
            yield RULE.finding(value.position(keyword), f"{subject}: '{keyword}' is an unknown keyword{near}")


def _value(
    schema: GitlabSchema, section: str, holder: Map, keyword: str, subject: str, *, partial: bool = False
) -> Iterator[Finding]:
    value = holder[keyword]
    for found in schema.problems(section, keyword, value):
        if not (partial and found.missing):
            position = _position(holder, keyword, found)
            yield RULE.finding(position, f"{subject}'{_dotted(keyword, found.path)}' {found.message}")


def _position(holder: Map, keyword: str, found: Problem) -> Position:
    whole = holder.value_position(keyword)
    return place(holder, (keyword, *found.path), at_key=found.at_key) or whole


def _dotted(keyword: str, path: tuple[str | int, ...]) -> str:
    """Return `needs[1].job` as a person would write the place."""
    return keyword + "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path)


def _extends(job: Map) -> list[str]:
    names = job.get("extends")
    return [str(name) for name in names] if isinstance(names, List) else [str(names)]
