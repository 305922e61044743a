"""From a job's merged YAML to a `Job`; what GitLab would refuse is reported, and the rest is still read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mcci.findings import Position
from mcci.pipeline.document import List, Map
from mcci.pipeline.jobs import AllowFailure, Environment, Job
from mcci.pipeline.keywords import DEFAULT_KEYWORDS, JOB_KEYWORDS, TRIGGER_JOB_KEYWORDS
from mcci.pipeline.needs import Need, read_needs
from mcci.pipeline.parallel import Parallel, read_parallel
from mcci.pipeline.policies import read_policy
from mcci.pipeline.retries import read_retry
from mcci.pipeline.rule_reader import JOB_WHEN, RuleReader
from mcci.pipeline.scalars import scalar_text
from mcci.pipeline.variable_reader import read_variables
from mcci.pipeline.variables import Variable

Report = Callable[[str, str, Position], None]

MAX_NAME = 255
_WHEN = JOB_WHEN - {"never"}
_MATRIX = re.compile(r"\$\[\[\s*matrix\.([a-zA-Z0-9_-]+)\s*\]\]")
_NO_VARIABLES: Mapping[str, Variable] = {}
_STATED: dict[bool, AllowFailure] = {value: AllowFailure(allowed=value) for value in (True, False)}
_UNSTATED: dict[bool, AllowFailure] = {value: AllowFailure(allowed=value, stated=False) for value in (True, False)}


class JobReader:
    """Reads jobs of one configuration, whose defaults and mistakes they share."""

    def __init__(self, root: Map, default: Map | None, report: Report, rules: RuleReader) -> None:
        self.root = root
        self.default = default
        self.report = report
        self.rules = rules

    def read(self, name: str, keywords: Map) -> list[Job]:
        """Return the instances of a job: one, or as many as its `parallel` says."""
        self._check(name, keywords)
        with_defaults = self._with_defaults(keywords)
        values = self._values(name, with_defaults)
        values["keywords"] = with_defaults
        parallel = None
        if "parallel" in keywords:
            parallel = read_parallel(keywords["parallel"], keywords.value_position("parallel"), name, self.report)
        if parallel is None:
            return [Job(name=name, group=name, root=self.root, **values)]
        return list(self._instances(name, parallel, values))

    def _instances(self, name: str, parallel: Parallel, values: dict[str, Any]) -> Iterator[Job]:
        own = values.pop("variables", _NO_VARIABLES)
        needs: tuple[Need, ...] = values.get("needs") or ()
        for index, instance in enumerate(parallel.names(name), start=1):
            variables = own
            if parallel.matrix is not None:
                added = parallel.matrix[index - 1]
                if values.get("needs"):
                    values["needs"] = self._with_matrix(name, needs, dict(added))
                variables = {**own, **{key: Variable(key=key, value=value) for key, value in added}}
            yield Job(
                name=instance,
                group=name,
                root=self.root,
                variables=variables,
                node_index=index,
                node_total=parallel.count,
                **values,
            )

    def _with_matrix(self, name: str, needs: tuple[Need, ...], values: Mapping[str, str]) -> tuple[Need, ...]:
        """Return the needs of one instance, `$[[ matrix.NAME ]]` in them filled in."""

        def fill(text: str, where: Position) -> str:
            def value_of(match: re.Match[str]) -> str:
                if match[1] not in values:
                    message = f"{name} job: '{match[1]}' does not exist in matrix configuration"
                    self.report("needs-matrix", message, where)
                return values.get(match[1], match[0])

            return _MATRIX.sub(value_of, text) if "$[[" in text else text

        def filled(need: Need) -> Need:
            job = need.job if need.job is None else fill(need.job, need.position)
            matrix = need.matrix
            if matrix is not None:
                matrix = tuple(tuple((key, fill(value, need.position)) for key, value in row) for row in matrix)
            return need if (job, matrix) == (need.job, need.matrix) else replace(need, job=job, matrix=matrix)

        return tuple(filled(need) for need in needs)

    def _check(self, name: str, keywords: Map) -> None:
        is_trigger = "trigger" in keywords
        known = TRIGGER_JOB_KEYWORDS if is_trigger else JOB_KEYWORDS
        for key in keywords:
            if key not in known:
                kind = "a trigger job" if is_trigger else "a job"
                self.report("unknown-keyword", f"{name}: {kind} has no keyword '{key}'", keywords.position(key))
        if len(name) > MAX_NAME:
            self.report("job-name", f"{name[:40]}…: a job's name has at most {MAX_NAME} characters", self._where(name))
        runs = any(keywords.get(key) is not None for key in ("script", "run", "trigger"))
        mirrors = isinstance(keywords.get("needs"), Map | List) and any(
            isinstance(need, Map) and "pipeline" in need for need in _as_list(keywords["needs"])
        )
        if not runs and not mirrors and "pages" not in (name,):
            self.report("job-script", f"{name}: a job should have a script, or a trigger", self._where(name))
        if is_trigger and "script" in keywords:
            self.report("job-script", f"{name}: a trigger job has no script", keywords.position("script"))
        if keywords.get("rules") is not None:
            for key in ("only", "except", "start_in"):  # as GitLab does, a null is taken for nothing
                if keywords.get(key) is not None:
                    self.report("rules", f"{name}: {key} cannot stand beside rules", keywords.position("rules"))

    def _where(self, name: str) -> Position:
        return self.root.position(name)

    def _with_defaults(self, keywords: Map) -> Map:
        """Return the job with the defaults it inherits below its own keywords."""
        if not self.default:
            return keywords
        inherit = keywords.get("inherit")
        wanted = inherit.get("default", True) if isinstance(inherit, Map) else True
        if wanted is False:
            return keywords
        missing = [
            key
            for key in self.default
            if key not in keywords and key in DEFAULT_KEYWORDS and (wanted is True or key in wanted)
        ]
        if not missing or "trigger" in keywords:
            return keywords
        merged = Map(
            keywords.file, keywords.node, {**dict.fromkeys(missing, self.default), **dict.fromkeys(keywords, keywords)}
        )
        merged.update(keywords)
        merged.update((key, self.default[key]) for key in missing)
        return merged

    def _values(self, name: str, keywords: Map) -> dict[str, Any]:
        """Return the values of a `Job` that the keywords say."""
        values: dict[str, Any] = {"stage": "test"}
        for key, value in keywords.items():
            reader = _READERS.get(key)
            if reader is not None and value is not None:
                reader(self, name, keywords, value, values)
        if "allow_failure" not in values:
            values["allow_failure"] = _UNSTATED[values.get("when") == "manual"]
        return values

    def _text(self, name: str, keywords: Map, key: str, value: Any) -> str:
        if isinstance(value, Map | List):
            self.report(key, f"{name}: {key} should be a text", keywords.value_position(key))
            return ""
        return scalar_text(value)

    def _stage(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        values["stage"] = self._text(name, keywords, "stage", value)

    def _when(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        if isinstance(value, str) and value in _WHEN:
            values["when"] = value
            if value == "delayed" and "start_in" not in keywords:
                self.report("start-in", f"{name}: when: delayed needs start_in", keywords.position("when"))
            return
        message = f"{name}: when should be one of {', '.join(sorted(_WHEN))}, not {value!r}"
        self.report("when", message, keywords.value_position("when"))

    def _start_in(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        values["start_in"] = self._text(name, keywords, "start_in", value)
        if keywords.get("when") != "delayed":
            self.report("start-in", f"{name}: start_in belongs to when: delayed", keywords.position("start_in"))

    def _allow_failure(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        if isinstance(value, bool):
            values["allow_failure"] = _STATED[value]
            return
        codes = value.get("exit_codes") if isinstance(value, Map) and set(value) == {"exit_codes"} else None
        numbers = _as_list(codes)
        if codes is None or not all(isinstance(code, int) and not isinstance(code, bool) for code in numbers):
            message = f"{name}: allow_failure should be true, false, or a mapping with exit_codes"
            self.report("allow-failure", message, keywords.value_position("allow_failure"))
            return
        values["allow_failure"] = AllowFailure(exit_codes=tuple(numbers))

    def _rules(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        values["rules"] = self.rules.job_rules(value, keywords, name)

    def _only(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        values["only"] = read_policy(value, keywords.value_position("only"), f"{name}: only", self.report)

    def _except(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        values["except_"] = read_policy(value, keywords.value_position("except"), f"{name}: except", self.report)

    def _needs(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        values["needs"] = read_needs(value, keywords, name, self.report)

    def _dependencies(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        if not isinstance(value, List) or not all(isinstance(item, str) for item in value):
            message = f"{name}: dependencies should be a list of jobs"
            self.report("dependencies", message, keywords.value_position("dependencies"))
            return
        values["dependencies"] = tuple(value)

    def _variables(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        values["variables"] = read_variables(value, keywords, name, self.report)

    def _inherit(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        wanted = value.get("variables", True) if isinstance(value, Map) else None
        if isinstance(wanted, bool):
            values["inherited_variables"] = wanted
        elif isinstance(wanted, List):
            values["inherited_variables"] = tuple(map(str, wanted))
        else:
            message = f"{name}: inherit should be a mapping of default and variables"
            self.report("inherit", message, keywords.value_position("inherit"))

    def _environment(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        if isinstance(value, str):
            values["environment"] = Environment(name=value)
        elif isinstance(value, Map) and isinstance(value.get("name"), str):
            texts = {key: value.get(key) for key in ("url", "on_stop", "auto_stop_in")}
            values["environment"] = Environment(
                name=value["name"],
                action=str(value.get("action") or "start"),
                tier=value.get("deployment_tier"),
                **{key: None if text is None else str(text) for key, text in texts.items()},
            )
        else:
            message = f"{name}: environment should be a name, or a mapping with one"
            self.report("environment", message, keywords.value_position("environment"))

    def _resource_group(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        values["resource_group"] = self._text(name, keywords, "resource_group", value)

    def _interruptible(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        if not isinstance(value, bool):
            where = keywords.value_position("interruptible")
            self.report("interruptible", f"{name}: interruptible should be true or false", where)
        values["interruptible"] = value is True

    def _retry(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        retry = read_retry(value, keywords, name, self.report)
        if retry is not None:
            values["retry"] = retry

    def _trigger(self, name: str, keywords: Map, value: Any, values: dict[str, Any]) -> None:
        from mcci.pipeline.triggers import read_trigger

        trigger = read_trigger(value, keywords, name, self.report)
        if trigger is not None:
            values["trigger"] = trigger


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]


_READERS: dict[str, Callable[[JobReader, str, Map, Any, dict[str, Any]], None]] = {
    "stage": JobReader._stage,
    "when": JobReader._when,
    "start_in": JobReader._start_in,
    "allow_failure": JobReader._allow_failure,
    "rules": JobReader._rules,
    "only": JobReader._only,
    "except": JobReader._except,
    "needs": JobReader._needs,
    "dependencies": JobReader._dependencies,
    "variables": JobReader._variables,
    "inherit": JobReader._inherit,
    "environment": JobReader._environment,
    "resource_group": JobReader._resource_group,
    "interruptible": JobReader._interruptible,
    "retry": JobReader._retry,
    "trigger": JobReader._trigger,
}
