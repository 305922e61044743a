"""What a service's folder and the charts' folder give to a deploy, read from the checkout."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import mcci
from mcci.clients import files
from mcci.delivery.deploy.model import Chart
from mcci.delivery.deploy.values import ServiceFiles
from mcci.errors import InvalidInput
from mcci.findings import Finding, Position

if TYPE_CHECKING:
    from mcci.config.model import Config, Environment, Service

VALUES = "values.yml"
PROFILES = "profiles"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartFolder:
    """A chart on disk, and a digest of all its files."""

    path: Path
    digest: str


def service_files(root: Path, environment: Environment, service: Service) -> ServiceFiles:
    """Return `<service>/values.yml` and `<service>/profiles/<profile>.yml`, each where there is one.

    Raises `InvalidInput` for a file that cannot be read, is not YAML, or holds no mapping.
    """
    folder = root / service.folder
    path, profile = folder / VALUES, folder / PROFILES / f"{environment.profile_name}.yml"
    return ServiceFiles(
        values=_mapping(path) if path.is_file() else {},
        where=str(path.relative_to(root)),
        profile=_text(profile) if profile.is_file() else "",
    )


def chart(root: Path, config: Config, wanted: Chart) -> ChartFolder:
    """Return the chart in the repository's folder for charts, else the one that ships with mcci."""
    own = root / config.charts / wanted.value
    path = own if (own / "Chart.yaml").is_file() else Path(mcci.__file__).with_name("charts") / wanted.value
    digest = hashlib.sha256()
    for each in sorted(path.rglob("*")):
        if each.is_file():
            data = each.read_bytes()
            digest.update(f"{each.relative_to(path).as_posix()}\0{len(data)}\0".encode())
            digest.update(data)
    return ChartFolder(path=path, digest=digest.hexdigest())


def _mapping(path: Path) -> dict[str, Any]:
    try:
        found: Any = yaml.safe_load(_text(path))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _refuse(path, f"this is not YAML: {error.problem or error.context}.", line, column) from error
    except yaml.YAMLError as error:
        raise _refuse(path, "this is not YAML.") from error
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise _refuse(path, "this must be a mapping of the chart's values.")
    return found


def _text(path: Path) -> str:
    try:
        return files.read(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refuse(path, "this is not UTF-8 text.") from error


def _refuse(path: Path, message: str, line: int = 1, column: int = 1) -> InvalidInput:
    position = Position(file=str(path), line=line, column=column)
    return InvalidInput([Finding(rule="values-invalid", message=message, position=position)])
