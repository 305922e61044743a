"""A written body against its kind's schema, with what `fieldValidation` asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.schemas.validation import Wrong, check
from mcci.lab.clusters.status import ApiError, bad_request, invalid

if TYPE_CHECKING:
    from mcci.lab.clusters.api.targets import Target
    from mcci.lab.clusters.api.writes import Options
    from mcci.lab.clusters.resources import Resource
    from mcci.lab.clusters.schemas.schema import Schema

Object = dict[str, Any]


def accept(
    body: Object, schema: Schema, resource: Resource, target: Target, options: Options, *, applied: bool = False
) -> Object:
    """Return the body without what its kind does not know.

    Raises ApiError 400 for unknown fields (Strict) and, in built-in kinds, wrong types; 422 for all that is wrong in
    custom kinds. An apply, which may be of a part only, fails at any unknown field:
    nobody could own it.
    """
    kept: Object
    kept, report = check(body, schema, keep_empty=resource.custom)
    told = [f'unknown field "{path}"' for path in report.unknown]
    if told and options.validation == "Strict":
        raise bad_request(f"strict decoding error: {', '.join(told)}")
    if told and applied:
        paths = ", ".join(f".{path}: field not declared in schema" for path in report.unknown)
        name = f"{target.namespace}/{target.name}; {target.group_version}, Kind={resource.kind}"
        raise ApiError(500, "", f"failed to create typed patch object ({name}): {paths}")
    if told and options.validation == "Warn":
        options.warnings.extend(warning for warning in told if warning not in options.warnings)
    if resource.custom and not any(item.field.startswith("metadata.") for item in report.wrong):
        _refuse([item for item in report.wrong if _counts(item) and not (applied and _missing(item))], resource, body)
        return kept
    for item in report.wrong:
        if item.reason == "FieldValueTypeInvalid":
            raise bad_request(_unmarshal(item, resource, target))
    return kept


def missing(body: Object, schema: Schema, resource: Resource) -> list[Object]:
    """Return the causes for what a built-in kind's object still lacks, once its defaults are filled in."""
    if resource.custom:
        return []
    return [
        item.cause for item in check(body, schema)[1].wrong if item.reason != "FieldValueTypeInvalid" and _counts(item)
    ]


def _counts(item: Wrong) -> bool:
    """Nothing that is required of a status is asked of who writes: controllers know best, and a part has not all."""
    return not (_missing(item) and item.field.startswith("status."))


def _missing(item: Wrong) -> bool:
    return item.reason == "FieldValueRequired"


def _refuse(wrong: list[Wrong], resource: Resource, body: Object) -> None:
    if wrong:
        name = body["metadata"].get("name", "")
        raise invalid(resource.kind, resource.group, name, [item.cause for item in wrong])


def _unmarshal(item: Wrong, resource: Resource, target: Target) -> str:
    """As Go's decoder says it, which is what a built-in kind's bad type comes to."""
    return (
        f'{resource.kind} in version "{target.version}" cannot be handled as a {resource.kind}: '
        f"json: cannot unmarshal {item.given} into Go struct field {resource.kind}.{item.field} of type {item.wanted}"
    )
