"""Prometheus' HTTP API: samples as they were scraped, and the one number of a query.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from mcci.errors import McciError, ServiceFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

TIMEOUT = 10.0  # seconds, for one request
ATTEMPTS = 2
WINDOW = 900.0  # seconds of samples in one request: Prometheus refuses replies of too many samples
_TOKEN, _USER, _PASSWORD = "PROMETHEUS_TOKEN", "PROMETHEUS_USER", "PROMETHEUS_PASSWORD"


class MetricsFailed(ServiceFailed):
    """A Prometheus did not answer, or not with what was asked."""


class BadQuery(McciError):
    """A query that Prometheus does not take, or that has more than one number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A time series: its labels and its samples as (time, value), in order of time."""

    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """One Prometheus. Credentials are in no message and no `repr`."""

    url: str
    token: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def samples(self, selector: str, *, start: float, end: float) -> tuple[Series, ...]:
        """Return the samples of `selector` as they were scraped, with `start` < time <= `end`, in Unix seconds.

        Raises `MetricsFailed` when Prometheus does not answer and `BadQuery` when it does not take the selector.
        """
        found: dict[frozenset[tuple[str, str]], list[tuple[float, float]]] = {}
        for begin, until in _windows(start, end):
            # A range selector in an instant query gives raw samples with their own times; `query_range` would repeat
            # old ones at every step for five minutes.
            # Prometheus' window was closed on the left before version 3: 1 ms less keeps a sample from coming twice.
            query = f"{selector}[{max(1, round((until - begin) * 1000) - 1)}ms]"
            for one in self._ask(query, until, "matrix"):
                own = found.setdefault(frozenset(one["metric"].items()), [])
                own += [(float(time), float(value)) for time, value in one["values"]]
        return tuple(Series(labels=dict(labels), samples=tuple(own)) for labels, own in found.items())

    def number(self, query: str, *, at: float) -> float | None:
        """Return the one number that PromQL `query` has at that time, NaN included; None when it has no series.

        Raises `MetricsFailed` when Prometheus does not answer, and `BadQuery` when it does not take the query or has
        more than one number for it.
        """
        found = self._ask(query, at, "vector", "scalar")
        if len(found) > 1:
            raise BadQuery(f"it gives {len(found)} series, not one number: wrap it in sum(…) or max(…).")
        return float(found[0]["value"][1]) if found else None

    def _ask(self, query: str, at: float, *kinds: str) -> list[Any]:
        data = self._data(query, at)
        try:
            kind, result = data["resultType"], data["result"]
            if kind not in kinds:
                raise BadQuery(f"it gives a {kind}, not {' or '.join(kinds)}.")
            return [{"metric": {}, "value": result}] if kind == "scalar" else list(result)
        except (KeyError, TypeError, ValueError) as error:
            raise self._unusable() from error

    def _data(self, query: str, at: float) -> Any:
        reply = self._post({"query": query, "time": f"{at:.3f}", "timeout": f"{TIMEOUT:g}s"})
        if reply.status_code in {401, 403}:
            raise MetricsFailed(
                f"Prometheus at {self._shown} refuses the credentials (HTTP {reply.status_code}). Set {_TOKEN}, or "
                f"{_USER} and {_PASSWORD}, each also with _ and the cluster's name in capitals."
            )
        try:
            body = reply.json()
            if body.get("status") == "success":
                return body["data"]
            kind, said = body["errorType"], str(body["error"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._unusable(reply.status_code) from error
        if kind == "bad_data":
            raise BadQuery(f"Prometheus does not take it: {said}.")
        raise MetricsFailed(f"Prometheus at {self._shown} could not answer: {kind}: {said}.")

    def _post(self, form: Mapping[str, str]) -> httpx.Response:
        import httpx

        failure: Exception = httpx.HTTPError("no attempt")
        for attempt in range(ATTEMPTS):
            try:
                reply = httpx.post(
                    f"{self.url.rstrip('/')}/api/v1/query",
                    data=form,
                    headers={"Authorization": f"Bearer {self.token}"} if self.token else {},
                    auth=(self.user, self.password) if self.user and not self.token else None,
                    timeout=TIMEOUT,
                )
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                failure = error
                continue
            if reply.status_code < 500 or attempt + 1 == ATTEMPTS:
                return reply
            failure = httpx.HTTPError(f"HTTP {reply.status_code}")
        raise MetricsFailed(
            f"Prometheus at {self._shown} does not answer: {failure or type(failure).__name__}. "
            "See whether it runs and can be reached from here."
        ) from failure

    @property
    def _shown(self) -> str:
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    def _unusable(self, status: int = 200) -> MetricsFailed:
        if status >= 500:
            return MetricsFailed(f"Prometheus at {self._shown} fails with HTTP {status}: see its log, or its proxy's.")
        return MetricsFailed(f"What answers at {self._shown} (HTTP {status}) is not Prometheus' API: check the URL.")


def open_all(urls: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> dict[str, Prometheus]:
    """Return the Prometheus of each cluster that has a URL. It may be the same for several.

    The environment gives the credentials: PROMETHEUS_TOKEN, or PROMETHEUS_USER and PROMETHEUS_PASSWORD; a cluster's own
    have its name after them, in capitals and with `_` for `-`: PROMETHEUS_TOKEN_PROD_AWS.
    """
    opened: dict[str, Prometheus] = {}
    for cluster, url in urls.items():
        if not url:
            continue
        suffix = "_" + cluster.upper().replace("-", "_")
        own = [environment.get(name + suffix) or environment.get(name, "") for name in (_TOKEN, _USER, _PASSWORD)]
        opened[cluster] = Prometheus(url=url, token=own[0], user=own[1], password=own[2])
    return opened


def _windows(start: float, end: float) -> Iterator[tuple[float, float]]:
    while start < end:
        until = min(end, start + WINDOW)
        yield start, until
        start = until
