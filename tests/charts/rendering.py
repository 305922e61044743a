"""Cases and how they are rendered: a folder with values.yaml in, expected.yaml out, and where needed case.yaml.

case.yaml may give `release`, `namespace`, `kube_version` and `api_versions`, what a cluster would tell Helm.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.tools.helm import Major, helm

CHARTS = Path(__file__).parents[2] / "charts"
CASES = Path(__file__).parent / "cases"
MAJORS: tuple[Major, ...] = ("3", "4")
REFRESH = "MCCI_REFRESH"

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One folder under cases/CHART, with what the cluster says about itself."""

    folder: Path
    release: str = "fleet"
    namespace: str = "fleet"
    kube_version: str = "1.34.0"
    api_versions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """CHART/FOLDER, as tests are called."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def chart(self) -> Path:
        """The chart's folder."""
        return CHARTS / self.folder.parent.name

    @property
    def expected(self) -> Path:
        """The golden file."""
        return self.folder / "expected.yaml"


def cases() -> list[Case]:
    """Every case there is, by name."""
    return [_load(path.parent) for path in sorted(CASES.glob("*/*/values.yaml"))]


def case(name: str) -> Case:
    """The case of that name."""
    return _load(CASES / name)


def _load(folder: Path) -> Case:
    options = folder / "case.yaml"
    given = yaml.safe_load(options.read_text(encoding="utf-8")) if options.exists() else {}
    given["api_versions"] = tuple(given.get("api_versions", ()))
    return Case(folder=folder, **given)


def run(major: Major, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run that helm, cut off from any cluster and configuration of this machine."""
    own = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "KUBECONFIG": "/nonexistent"}
    return subprocess.run([str(helm(major)), *arguments], capture_output=True, text=True, env=own, timeout=60)


@cache
def template(major: Major, chart: Path, values: Path, *extra: str) -> str:
    """What `helm template` prints. Raises AssertionError with Helm's own message when it refuses."""
    done = run(major, "template", *(extra or ("fleet",)), str(chart), "--values", str(values))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def render(major: Major, one: Case, kube_version: str | None = None, *sets: str) -> list[Object]:
    """The case's objects, in the order in which Helm would apply them."""
    extra = [one.release, "--namespace", one.namespace, "--kube-version", kube_version or one.kube_version]
    extra += [argument for name in one.api_versions for argument in ("--api-versions", name)]
    extra += [argument for value in sets for argument in ("--set", value)]
    text = template(major, one.chart, one.folder / "values.yaml", *extra)
    return [document for document in yaml.load_all(text, Loader=StrictLoader) if document]


class StrictLoader(yaml.SafeLoader):
    """YAML as Kubernetes wants it: a key that stands twice is an error, where PyYAML takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping. Raises ConstructorError for a key that stands twice."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def one_of(objects: list[Object], kind: str) -> Object:
    """The only object of that kind."""
    (found,) = (entry for entry in objects if entry["kind"] == kind)
    return found
