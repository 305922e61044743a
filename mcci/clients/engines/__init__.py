"""The engines that build, push and run images: modules of one shape (`model.Engine`), in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.clients.engines import buildah, buildkit, docker_sdk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.engines.model import Engine

ENGINES: Mapping[str, Engine] = {engine.NAME: engine for engine in (docker_sdk, buildkit, buildah)}
