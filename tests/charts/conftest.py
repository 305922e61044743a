"""Chart tests run real helm; where it is missing they fail in CI, and on a laptop say how to get it."""

from __future__ import annotations

import os

import pytest

from tests.tools.helm import HelmMissingError, Major, helm


@pytest.fixture(params=["3", "4"], ids=["helm3", "helm4"])
def major(request: pytest.FixtureRequest) -> Major:
    """Each major version of Helm that users have."""
    version: Major = request.param
    try:
        helm(version)
    except HelmMissingError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    return version
