"""What helm says when it fails, as an error that says what, where and what to do."""

from __future__ import annotations

import re

from mcci.errors import McciError, ServiceFailed, UsageError

_NOISE = re.compile(r"^(?:WARNING: |coalesce\.go|walk\.go|warning: |level=|I\d{4} |W\d{4} |E\d{4} )")
_PREFIX = re.compile(r"^(?:Error: )?(?:UPGRADE FAILED: |INSTALLATION FAILED: |uninstallation [^:]*: )?")
_PENDING = "another operation (install/upgrade/rollback) is in progress"
_CHART = ("template: ", "values don't meet the specifications", "error calling", "execution error at", "parse error",
          "YAML parse error", "Chart.yaml file is missing", "error unmarshaling")  # fmt: skip
_AWAY = ("connection refused", "i/o timeout", "cluster unreachable", "connection reset", "TLS handshake timeout",
         "no such host", "unexpected EOF", "etcdserver", "the server is currently unable", "too many requests",
         "Client.Timeout", "context deadline exceeded", "http2: ", "broken pipe", "InternalError", "network is un",
         "internal server error", "server was unable", "an error on the server")  # fmt: skip


class HelmFailed(McciError):
    """Helm refused or failed: `str()` is what it said."""


class ChartRefused(UsageError):
    """The chart cannot be rendered with these values: nothing was changed."""


class HelmUnreachable(ServiceFailed):
    """Helm could not reach the cluster, or the cluster failed."""


class ReleaseBusy(HelmFailed):
    """The release is in a `pending-…` state: another helm is at work, or died at it."""


class HelmStopped(McciError):
    """Helm was ended because mcci no longer may, or no longer wants to, change the cluster."""


def failure(release: str, stderr: str) -> McciError:
    """Return the error for what helm wrote on stderr."""
    lines = [line for line in stderr.replace("\r", "").splitlines() if line.strip() and not _NOISE.match(line)]
    said = _PREFIX.sub("", "\n".join(lines).strip()) or "helm does not say why"
    if _PENDING in said:
        return ReleaseBusy(f"{release}: {said}")
    if any(each.lower() in said.lower() for each in _CHART):
        return ChartRefused(f"{release}: {said}")
    if any(each.lower() in said.lower() for each in _AWAY):
        return HelmUnreachable(f"{release}: {said}")
    return HelmFailed(f"{release}: {said}")
