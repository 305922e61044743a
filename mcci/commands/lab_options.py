"""What the commands of `mcci lab` have in common: where a lab's state lies, and which clusters it may have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcci.config.model import Config
    from mcci.lab.plan import Folder

Decorated = TypeVar("Decorated", bound="Callable[..., object]")


def state_option(function: Decorated) -> Decorated:
    """Add `--state`."""
    return click.option(
        "--state", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path), envvar="MCCI_LAB_STATE",
        show_envvar=True, help="Where the lab keeps its state; by default a folder of the user's, one an application.",
    )(function)  # fmt: skip


def model_of(config: Path) -> Config | None:
    """Return the configuration; None where there is none, and none was named."""
    from mcci.clients import repository

    if not config.exists() and config == Path("mcci.yml"):
        return None
    return repository.load_config(config)


def folder_of(state: Path | None, model: Config | None) -> Folder:
    """Return the lab's folder."""
    from mcci.lab.plan import Folder, default_folder

    return Folder(path=(state or default_folder(model.application if model else "", os.environ)).absolute())


def clusters_of(model: Config | None, names: tuple[str, ...]) -> Mapping[str, str]:
    """Return the clusters to run, each with its variable. Raises `UsageError`."""
    from mcci.lab.plan import DEFAULT, MOST

    known = dict(DEFAULT)
    if model and model.clusters:
        known = {name: _variable(name, each.kubeconfig_variable) for name, each in model.clusters.items()}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"there is no cluster '{unknown[0]}'; there are {', '.join(known)}.")
    chosen = {name: known[name] for name in names or known}
    if len(chosen) > MOST:
        raise UsageError(f"a lab has at most {MOST} clusters, and these are {len(chosen)}: name those to run.")
    return chosen


def _variable(name: str, declared: str) -> str:
    return declared or f"KUBECONFIG_{name.upper().replace('-', '_')}"
