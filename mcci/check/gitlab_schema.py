"""GitLab's own CI schema, asked about one keyword at a time.

The schema is the copy that the `check-jsonschema` package carries. Asked as a whole it answers a wrong job with the
failures of every branch of every `oneOf`; asked for each keyword's value it answers precisely, and a value seen
before is not validated again, which makes thousands of generated jobs quick.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator, validators
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from mcci.check.open_values import holds_open, is_open
from mcci.check.schema_problem import Problem, problems
from mcci.pipeline.document import List, Map

JOB = "#/definitions/job_template"
DEFAULT = "#/properties/default"
GLOBAL = "#"
_TEXT_MATTERS = frozenset({"pattern", "enum", "const", "maxLength", "format", "uniqueItems", "patternProperties"})
_URI = "https://gitlab.com/.gitlab-ci.yml"


class GitlabSchema:
    """The compiled schema. It remembers the values it has seen; use one for a whole run."""

    def __init__(self) -> None:
        self._schema = _read()
        self._registry = Registry[Any]().with_resource(_URI, DRAFT7.create_resource(self._schema))
        self._validators: dict[tuple[str, str], Validator] = {}
        self._free: dict[tuple[str, str], bool] = {}
        self._seen: dict[object, tuple[Problem, ...]] = {}

    def keywords(self, section: str) -> frozenset[str]:
        """Return the keywords that `section` (JOB, DEFAULT or GLOBAL) may have."""
        return frozenset(self._node(section)["properties"])

    def problems(self, section: str, keyword: str, value: Any) -> tuple[Problem, ...]:
        """Return what is wrong with the value of a known keyword of `section`."""
        key = (section, keyword, _frozen(value, free=self._is_free(section, keyword)))
        if key not in self._seen:
            errors = self._validator(section, keyword).iter_errors(value)
            self._seen[key] = problems(errors)
        return self._seen[key]

    def _is_free(self, section: str, keyword: str) -> bool:
        """Say whether the schema does not care which text stands in the keyword's value, as in a script."""
        if (section, keyword) not in self._free:
            node = self._node(f"{section}/properties/{keyword}")
            self._free[section, keyword] = not any(_TEXT_MATTERS & part.keys() for part in self._parts(node))
        return self._free[section, keyword]

    def _parts(self, node: object, seen: frozenset[str] = frozenset()) -> Iterator[dict[str, Any]]:
        """Yield every mapping of a schema, references followed."""
        if isinstance(node, dict):
            yield node
            reference = node.get("$ref")
            if isinstance(reference, str) and reference not in seen:
                yield from self._parts(self._node(reference), seen | {reference})
            for item in node.values():
                yield from self._parts(item, seen)
        elif isinstance(node, list):
            for item in node:
                yield from self._parts(item, seen)

    def _node(self, pointer: str) -> Any:
        node: Any = self._schema
        for part in pointer.removeprefix("#").split("/")[1:]:
            node = node[part]
        return node

    def _validator(self, section: str, keyword: str) -> Validator:
        if (section, keyword) not in self._validators:
            reference = {"$ref": f"{_URI}{section}/properties/{keyword}"}
            self._validators[section, keyword] = _lenient()(reference, registry=self._registry)
        return self._validators[section, keyword]


@cache
def _read() -> dict[str, Any]:
    # Found by its distribution: importing the package would import its command line and an HTTP client.
    path = distribution("check-jsonschema").locate_file("check_jsonschema/builtin_schemas/vendor/gitlab-ci.json")
    schema: dict[str, Any] = json.loads(Path(str(path)).read_text(encoding="utf-8"))
    _allow_what_gitlab_allows(schema)
    return schema


def _allow_what_gitlab_allows(schema: dict[str, Any]) -> None:
    """Add the forms that GitLab takes and its schema refuses (all on https://docs.gitlab.com/ci/yaml/)."""
    job = schema["definitions"]["job_template"]["properties"]
    mirrored = {"type": "object", "required": ["pipeline"], "additionalProperties": False}
    mirrored["properties"] = {"pipeline": {"type": "string"}}
    job["needs"] = {"anyOf": [job["needs"], mirrored]}  # needs:pipeline mirrors another project's status
    job["needs"]["anyOf"][0]["items"]["oneOf"].append(mirrored)
    inherited = job["inherit"]["properties"]["default"]["oneOf"][1]["items"]["enum"]
    inherited.extend(name for name in schema["properties"]["default"]["properties"] if name not in inherited)
    schema["definitions"]["include_item"]["oneOf"][0]["pattern"] = r"\.ya?ml$"  # wildcards: ci/*.yml
    children = job["trigger"]["oneOf"][1]["properties"]["include"]["oneOf"][1]["items"]["oneOf"]
    children.append({"type": "string", "pattern": r"\.ya?ml$"})


@cache
def _lenient() -> type[Validator]:
    """Return Draft 7 that lets an open value pass everywhere, and text with a variable pass every pattern."""
    keywords = {name: _unless_open(function) for name, function in Draft7Validator.VALIDATORS.items()}
    keywords["oneOf"] = _unless_open(_one_of)
    keywords["pattern"] = _unless_open(_pattern)
    extended: type[Validator] = validators.extend(Draft7Validator, keywords)  # type: ignore[no-untyped-call]
    return extended


_Keyword = Callable[[Any, Any, Any, Any], Any]


def _unless_open(function: _Keyword) -> _Keyword:
    def keyword(validator: Any, argument: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not is_open(instance):
            yield from function(validator, argument, instance, schema) or ()

    return keyword


def _one_of(validator: Any, branches: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """`oneOf`, but several branches may be true where open values make them so."""
    for error in Draft7Validator.VALIDATORS["oneOf"](validator, branches, instance, schema) or ():
        if error.context or not holds_open(instance):
            yield error


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not (isinstance(instance, str) and "$" in instance):
        yield from Draft7Validator.VALIDATORS["pattern"](validator, pattern, instance, schema)


def _frozen(value: object, *, free: bool) -> object:
    """Return a hashable stand-in that is equal for values the schema cannot tell apart.

    `1` and `true` differ; with `free`, texts that are neither empty nor open are all alike.
    """
    if isinstance(value, Map):
        return Map, tuple([(key, _frozen(item, free=free)) for key, item in value.items()])
    if isinstance(value, List):
        return type(value), tuple([_frozen(item, free=free) for item in value])
    if free and isinstance(value, str):
        return str, not value, is_open(value)
    return type(value), value
