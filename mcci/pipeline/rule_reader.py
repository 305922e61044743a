"""From the YAML of `rules` to `Rule` values: nested lists flattened, each expression checked, mistakes reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcci.findings import Position
from mcci.pipeline.document import List, Map
from mcci.pipeline.expressions import ExpressionError, parse
from mcci.pipeline.needs import read_needs
from mcci.pipeline.rules import Changes, Exists, Rule
from mcci.pipeline.scalars import scalar_text

Report = Callable[[str, str, Position], None]

MAX_PATTERNS = 50
MAX_NESTING = 10
JOB_KEYS = frozenset(
    ("if", "changes", "exists", "when", "start_in", "allow_failure", "variables", "needs", "interruptible")
)
WORKFLOW_KEYS = frozenset(("if", "changes", "exists", "when", "variables", "auto_cancel"))
INCLUDE_KEYS = frozenset(("if", "changes", "exists", "when"))
JOB_WHEN = frozenset(("on_success", "on_failure", "always", "never", "manual", "delayed"))
WORKFLOW_WHEN = frozenset(("always", "never"))


class RuleReader:
    """Reads lists of rules; a list that several jobs share (by `extends` or `default`) is read once."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self._read: dict[tuple[int, frozenset[str]], tuple[Any, tuple[Rule, ...]]] = {}

    def job_rules(self, value: Any, holder: Map, owner: str) -> tuple[Rule, ...]:
        """Return the rules of a job. `owner` is its name, for messages."""
        return self._rules(value, holder, owner, JOB_KEYS, JOB_WHEN)

    def workflow_rules(self, value: Any, holder: Map) -> tuple[Rule, ...]:
        """Return the rules of `workflow`."""
        return self._rules(value, holder, "workflow", WORKFLOW_KEYS, WORKFLOW_WHEN)

    def include_rules(self, value: Any, holder: Map) -> tuple[Rule, ...]:
        """Return the rules of an include."""
        return self._rules(value, holder, "include", INCLUDE_KEYS, WORKFLOW_WHEN)

    def _rules(
        self, value: Any, holder: Map, owner: str, keys: frozenset[str], whens: frozenset[str]
    ) -> tuple[Rule, ...]:
        known = self._read.get((id(value), keys))
        if known is not None:
            return known[1]
        if not isinstance(value, List):
            self.report("rules", f"{owner}: rules should be a list of rules", holder.value_position("rules"))
            return ()
        if not value and keys is not INCLUDE_KEYS:  # an include may have none
            self.report("rules", f"{owner}: rules should not be empty", holder.value_position("rules"))
        rules: list[Rule] = []
        for item in _flat(value, MAX_NESTING):
            if isinstance(item, Map):
                rules.append(self._rule(item, owner, keys, whens))
            else:
                self.report("rules", f"{owner}: a rule should be a mapping", value.position())
        self._read[id(value), keys] = (value, tuple(rules))
        return tuple(rules)

    def _rule(self, rule: Map, owner: str, keys: frozenset[str], whens: frozenset[str]) -> Rule:
        values: dict[str, Any] = {"origin": rule}
        for key, value in rule.items():
            if key not in keys:
                allowed = ", ".join(sorted(keys))
                message = f"{owner}: a rule has no keyword '{key}' (those it has: {allowed})"
                self.report("unknown-keyword", message, rule.position(key))
            elif key == "if":
                values["condition"] = self._condition(value, rule, owner)
            elif key == "when":
                values["when"] = self._choice(value, whens, rule, owner)
            elif key == "changes":
                values["changes"] = self._changes(value, rule, owner)
            elif key == "exists":
                values["exists"] = self._exists(value, rule, owner)
            elif key == "variables":
                values["variables"] = self._variables(value, rule, owner)
            elif key in ("allow_failure", "interruptible"):
                values[key] = self._boolean(value, key, rule, owner)
            elif key == "needs":
                values["needs"] = read_needs(value, rule, owner, self.report)
            elif key == "auto_cancel":
                values["auto_cancel"] = value if isinstance(value, Map) else None
            elif key == "start_in":
                values["start_in"] = str(value)
        if values.get("when") == "delayed" and "start_in" not in values:
            self.report("rules", f"{owner}: when: delayed needs start_in", rule.position("when"))
        if "start_in" in values and values.get("when") != "delayed":
            self.report("rules", f"{owner}: start_in belongs to when: delayed", rule.position("start_in"))
        return Rule(**values)

    def _condition(self, value: Any, rule: Map, owner: str) -> str:
        if not isinstance(value, str):
            self.report("rules-if", f"{owner}: if should be an expression", rule.value_position("if"))
            return "null"
        try:
            parse(value)
        except ExpressionError as error:
            message = (
                f"{owner}: invalid expression syntax: {error} (at character {error.offset + 1} of {_short(value)!r})"
            )
            self.report("rules-if", message, rule.value_position("if"))
        return value

    def _choice(self, value: Any, allowed: frozenset[str], rule: Map, owner: str) -> str | None:
        if isinstance(value, str) and value in allowed:
            return value
        message = f"{owner}: when in a rule should be one of {', '.join(sorted(allowed))}, not {value!r}"
        self.report("rules-when", message, rule.value_position("when"))
        return None

    def _boolean(self, value: Any, key: str, rule: Map, owner: str) -> bool | None:
        if isinstance(value, bool):
            return value
        self.report("rules", f"{owner}: {key} in a rule should be true or false", rule.value_position(key))
        return None

    def _variables(self, value: Any, rule: Map, owner: str) -> dict[str, str]:
        if not isinstance(value, Map) or any(isinstance(item, Map | List) for item in value.values()):
            message = f"{owner}: variables in a rule should be a mapping of names to texts"
            self.report("rules", message, rule.value_position("variables"))
            return {}
        return {str(name): scalar_text(item) for name, item in value.items()}

    def _changes(self, value: Any, rule: Map, owner: str) -> Changes:
        if not isinstance(value, Map):
            return Changes(paths=self._paths(value, rule, "changes", owner))
        self._only(value, ("paths", "compare_to"), f"{owner}: changes")
        compare_to = value.get("compare_to")
        if compare_to is not None and not isinstance(compare_to, str):
            message = f"{owner}: changes:compare_to should be a branch, a tag or a commit"
            self.report("rules", message, value.value_position("compare_to"))
            compare_to = None
        paths = self._paths(value.get("paths"), value, "paths", f"{owner}: changes")
        return Changes(paths=paths, compare_to=compare_to)

    def _exists(self, value: Any, rule: Map, owner: str) -> Exists:
        if not isinstance(value, Map):
            return Exists(paths=self._paths(value, rule, "exists", owner))
        self._only(value, ("paths", "project", "ref"), f"{owner}: exists")
        project, ref = value.get("project"), value.get("ref")
        if ref is not None and project is None:
            self.report("rules", f"{owner}: exists:ref needs exists:project", value.position("ref"))
        return Exists(
            paths=self._paths(value.get("paths"), value, "paths", f"{owner}: exists"),
            project=None if project is None else str(project),
            ref=None if ref is None else str(ref),
        )

    def _only(self, value: Map, keys: tuple[str, ...], owner: str) -> None:
        for key in value:
            if key not in keys:
                self.report("unknown-keyword", f"{owner} has no keyword '{key}'", value.position(key))

    def _paths(self, value: Any, holder: Map, key: str, owner: str) -> tuple[str, ...]:
        items = _flat(value, MAX_NESTING) if isinstance(value, List) else None
        if items is None or not all(isinstance(item, str) for item in items):
            self.report("rules", f"{owner}: {key} should be a list of paths", holder.value_position(key))
            return ()
        if len(items) > MAX_PATTERNS:
            message = f"{owner}: {key} has more than {MAX_PATTERNS} paths, GitLab's limit"
            self.report("rules", message, holder.value_position(key))
        return tuple(items)


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:200] + "…"


def _flat(value: List, levels: int) -> list[Any]:
    """Return the items of a list and of the lists in it, as `!reference` leaves them."""
    if not any(isinstance(item, List) for item in value):
        return value
    items: list[Any] = []
    for item in value:
        items.extend(_flat(item, levels - 1) if isinstance(item, List) and levels else [item])
    return items
