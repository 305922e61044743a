"""The proxy that fails as it is told, before a registry without TLS."""

from __future__ import annotations

import http.client
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.tools import faults
from tests.tools.faults import Fault, Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service.registry.servers import Server

__all__ = ["Fault", "Proxy", "before"]


@contextmanager
def before(upstream: Server) -> Iterator[Proxy]:
    """Run a proxy before a registry."""
    with faults.before(lambda: http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=60)) as proxy:
        yield proxy
