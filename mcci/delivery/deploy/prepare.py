"""A step made ready: its chart, its values, and a fingerprint of both, by which the next deploy knows it again."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcci.delivery.deploy import files
from mcci.delivery.deploy.model import Chart, Upgrade
from mcci.delivery.deploy.values import merged, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.clients.helm.storage import StoredRelease
    from mcci.config.model import Config, Environment
    from mcci.delivery.deploy.values import Layer, ServiceFiles

_FINGERPRINT = re.compile(r"\bmcci:([0-9a-f]{64})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An upgrade that helm can be given. `description` stands in the release's history."""

    step: Upgrade
    chart: Path
    values: Mapping[str, Any] = field(repr=False)
    fingerprint: str

    def description(self, release: str) -> str:
        """Return what `helm history` shows of this revision."""
        return f"release {release or 'as recorded'}, mcci:{self.fingerprint}"


class Kitchen:
    """Prepares steps from the checkout: charts and files are read once. Safe to use from several threads."""

    def __init__(self, root: Path, config: Config, environment: Environment, sets: Sequence[Layer] = ()) -> None:
        """Raises `InvalidInput` for a values file or a profile that cannot be used."""
        self._config = config
        self._environment = environment
        self._sets = tuple(sets)
        self._charts = {each: files.chart(root, config, each) for each in Chart}
        self._files: dict[str, ServiceFiles] = {
            name: files.service_files(root, environment, service) for name, service in config.services.items()
        }

    def prepare(self, step: Upgrade, service: str, cluster: str) -> Prepared:
        """Return `step` with its values for `cluster`. Raises `UsageError` for values that a release decides."""
        found = values(
            step.chart, self._environment, self._config.clusters[cluster], self._config.services[service],
            self._files[service], self._sets,
        )  # fmt: skip
        full = merged([found, step.own])
        chart = self._charts[step.chart]
        text = json.dumps([chart.digest, step.release, full], sort_keys=True, default=str)
        return Prepared(step=step, chart=chart.path, values=full, fingerprint=hashlib.sha256(text.encode()).hexdigest())


def fingerprint_of(release: StoredRelease | None) -> str:
    """Return the fingerprint that a release was made with; empty where another tool made it."""
    found = _FINGERPRINT.search(release.description) if release else None
    return found[1] if found else ""
