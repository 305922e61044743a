"""A pipeline file while it is put together: global keywords, templates' shared text, and jobs in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcci.pipeline.dump import Value, dump
from mcci.pipeline.generate.templates import Inputs, Template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.findings import Position

# The order in which a job's keywords are written: what it is, when it runs, what it does, what it leaves.
_ORDER = {
    name: index
    for index, name in enumerate(
        (
            "extends", "stage", "needs", "dependencies", "rules", "when", "start_in", "manual_confirmation",
            "allow_failure", "interruptible", "trigger", "environment", "resource_group", "id_tokens", "image",
            "services", "tags", "timeout", "retry", "variables", "cache", "before_script", "script", "after_script",
            "artifacts",
        )
    )
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Job:
    """One job of a pipeline, and the place in `mcci.yml` that caused it."""

    name: str
    body: dict[str, Value]
    cause: Position
    comment: str = ""


@dataclass(slots=True)
class Pipeline:
    """One GitLab CI file; `timeouts` are those of stages whose jobs may not take as long as others, or longer."""

    path: str
    header: str
    timeouts: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Value] = field(default_factory=dict)
    top: dict[str, Value] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    _text: str = ""

    def share(self, template: Template, inputs: Inputs) -> None:
        """Take in the shared part of `template`, once."""
        if template.file not in self.shared:
            self.shared[template.file] = template.shared_text(inputs) if template.shared else ""

    def add(self, template: Template, inputs: Inputs, cause: Position, **keywords: Value) -> str:
        """Add the job of `template` with further keywords (None leaves one out), and return its name.

        A list for `extends` is put behind what the template extends.
        """
        assert not self._text
        self.share(template, inputs)
        name, body = template.instantiate(inputs)
        extends = keywords.pop("extends", None)
        if extends:
            own = body.get("extends", [])
            body["extends"] = [*([own] if isinstance(own, str) else own or []), *_listed(extends)]  # type: ignore[misc]
        body.update({key: value for key, value in keywords.items() if value is not None})
        if body.get("stage") in self.timeouts and "trigger" not in body:
            body.setdefault("timeout", self.timeouts[str(body["stage"])])
        self.jobs.append(Job(name=name, body=body, cause=cause, comment=template.comment))
        return name

    def hide(self, name: str, body: dict[str, Value], cause: Position) -> str:
        """Add a hidden job for others to extend, and return its name."""
        self.jobs.append(Job(name=name, body=body, cause=cause))
        return name

    def size(self) -> int:
        """Return the file's size in bytes."""
        return len(self.text().encode())

    def text(self) -> str:
        """Return the file's text; it is made once, so nothing may be added after."""
        if not self._text:
            self._text = self._written()
        return self._text

    def _written(self) -> str:
        parts = [f"# {line}".rstrip() + "\n" for line in self.header.splitlines()]
        head = "".join(parts)
        blocks = [dump({key: value}) for key, value in self.top.items()]
        blocks += [text for text in self.shared.values() if text]
        blocks += [job.comment + dump({job.name: _ordered(job.body)}) for job in self.jobs]
        spec = f"{dump({'spec': self.spec})}---\n" if self.spec else ""
        return f"{head}{spec}\n" + "\n".join(blocks)


def _ordered(body: dict[str, Value]) -> dict[str, Value]:
    last = len(_ORDER)
    return dict(sorted(body.items(), key=lambda item: _ORDER.get(item[0], last)))


def _listed(value: Value) -> list[Value]:
    return [value] if isinstance(value, str) else list(value)  # type: ignore[arg-type]
