"""Profiles: one YAML file an environment, each key overridable by an environment variable.

`PROFILE` is a name (`local`, `stage`, `production`: a file shipped in the service's package) or a path (a
mounted ConfigMap). Key `tracker_url` is overridden by `TRACKER_URL`. An unknown key or a wrong value is an
error that names file and line: a service that starts with half its configuration is worse than one that does not.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import Field, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import yaml

from servicekit.settings import Limits, ServiceSettings, is_http_url

Settings = TypeVar("Settings", bound=ServiceSettings)

LARGEST_PROFILE = 1 << 20
KINDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class ProfileError(Exception):
    """The configuration cannot be used; the message says where and why."""


def load_settings(settings: type[Settings], package: str, environ: Mapping[str, str]) -> Settings:
    """The settings for `package`: its defaults, then the profile named by PROFILE, then the environment.

    Raises ProfileError when the profile is missing, unreadable or holds a key or value that is not allowed.
    """
    where, text = _read(environ.get("PROFILE", "local"), package)
    known = {field.name: field for field in fields(settings)}
    types = get_type_hints(settings)
    values: dict[str, Any] = {}
    for key, value, line in _entries(text, where):
        if key not in known:
            raise ProfileError(f"{where}:{line}: unknown key {key!r}{_suggest(key, known)}")
        values[key] = _checked(value, types[key], known[key], f"{where}:{line}: {key}")
    for key, field in known.items():
        override = environ.get(key.upper())
        if override is not None:
            place = f"environment variable {key.upper()}"
            values[key] = _checked(_from_text(override, types[key]), types[key], field, place)
    return settings(**values)


def _read(profile: str, package: str) -> tuple[str, str]:
    if re.fullmatch(r"[a-z][a-z0-9-]*", profile):
        folder = resources.files(package) / "profiles"
        file = folder / f"{profile}.yml"
        if not file.is_file():
            names = sorted(entry.name.removesuffix(".yml") for entry in folder.iterdir())
            raise ProfileError(f"PROFILE: no profile {profile!r}; there are {', '.join(names)} (or give a path)")
        where, content = f"{profile}.yml", file.read_bytes()
    else:
        where = profile
        try:
            with Path(profile).open("rb") as stream:
                content = stream.read(LARGEST_PROFILE + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ProfileError(f"PROFILE: cannot read {profile!r}: {reason}") from error
    if len(content) > LARGEST_PROFILE:
        raise ProfileError(f"{where}: larger than {LARGEST_PROFILE} bytes")
    try:
        return where, content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProfileError(f"{where}: not UTF-8 text (byte {error.start})") from error


def _entries(text: str, where: str) -> list[tuple[str, Any, int]]:
    """Key, value and line of each entry of the one flat mapping in `text`."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error)
        raise ProfileError(f"{where}{line}: not YAML: {reason}") from error
    if root is None:
        return []
    if not isinstance(root, yaml.MappingNode):
        raise ProfileError(f"{where}:{root.start_mark.line + 1}: a profile is a mapping of keys to values")
    entries: list[tuple[str, Any, int]] = []
    for key, value in root.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
            raise ProfileError(f"{where}:{line}: a profile is flat: one key, one plain value")
        if any(key.value == seen for seen, _, _ in entries):
            raise ProfileError(f"{where}:{line}: key {key.value!r} stands twice")
        entries.append((key.value, _scalar(value), line))
    return entries


def _scalar(node: yaml.ScalarNode) -> Any:
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except (yaml.YAMLError, ValueError):
        return node.value


def _from_text(text: str, kind: type) -> Any:
    """`text` read as `kind`, or `text` itself where it cannot be: the check then says so."""
    try:
        if kind is bool:
            return BOOLEANS.get(text.lower(), text)
        return kind(text)
    except ValueError:
        return text


def _checked(value: Any, kind: type, field: Field[Any], place: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    wrong_kind = not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)
    if wrong_kind or (isinstance(value, float) and not math.isfinite(value)):
        raise ProfileError(f"{place} must be {KINDS[kind]}, not {value!r}")
    limits: Limits = field.metadata["limits"]
    if limits.choices and value not in limits.choices:
        raise ProfileError(f"{place} must be one of {', '.join(limits.choices)}, not {value!r}")
    if limits.minimum is not None and value < limits.minimum:
        raise ProfileError(f"{place} must be at least {limits.minimum:g}, not {value!r}")
    if limits.maximum is not None and value > limits.maximum:
        raise ProfileError(f"{place} must be at most {limits.maximum:g}, not {value!r}")
    if limits.pattern is not None and not re.fullmatch(limits.pattern, value):
        raise ProfileError(f"{place} must match {limits.pattern}, not {value!r}")
    if limits.url and not is_http_url(value):
        raise ProfileError(f"{place} must be an http(s) URL without user, query or fragment, not {value!r}")
    return value


def _suggest(key: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known keys: {', '.join(sorted(known))}"
