"""`--set CHART.KEY=VALUE`: one value over all files, as a layer; pure."""

from __future__ import annotations

import re
from typing import Any

import yaml

from mcci.delivery.deploy.model import Chart
from mcci.delivery.deploy.values import Layer
from mcci.errors import UsageError

_DOT = re.compile(r"(?<!\\)\.")


def parse(given: str) -> Layer:
    """Return the layer that `--set GIVEN` stands for. Raises `UsageError`, which does not repeat the value.

    The value is YAML, so that `3` is a number, `"3"` a text and `[a, b]` a list; a dot in a key is written `\\.`.
    """
    left, equals, right = given.partition("=")
    path = [part.replace("\\.", ".") for part in _DOT.split(left.strip())]
    charts = [chart.value for chart in Chart]
    if not equals or len(path) < 2 or path[0] not in charts or not all(path):
        raise UsageError(
            f"--set {left}: it is written CHART.KEY=VALUE, such as microservice.replicas=3; CHART is "
            f"{' or '.join(charts)}."
        )
    try:
        value: Any = yaml.safe_load(right)
    except yaml.YAMLError as error:
        raise UsageError(
            f"--set {left}: the value is not YAML. Put a text with special characters in quotes."
        ) from error
    for key in reversed(path):
        value = {key: value}
    return Layer(where=f"--set {left}", values=value)
