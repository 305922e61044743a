"""What several tests of the network need."""

from __future__ import annotations

import pytest

from mcci.network import shipped


@pytest.fixture(scope="session")
def infra() -> dict[str, str]:
    """The infrastructure code that ships with mcci."""
    return shipped.packaged()
