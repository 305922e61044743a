"""Chart tests run real helm; where it is missing they fail in CI, and on a laptop say how to get it."""

from __future__ import annotations

import os

import pytest

from tests.tools.helm import HelmMissingError, Major, helm


@pytest.fixture(params=["3", "4"], ids=["helm3", "helm4"])
def major(request: pytest.FixtureRequest) -> Major:
    """Each major version of Helm that users have."""
    return require(request.param)


@pytest.fixture
def newest() -> Major:
    """The newest Helm alone, where what is tested is not Helm's doing."""
    return require("4")


def require(version: Major) -> Major:
    """That version, once it is known to be there; else the test fails or is skipped."""
    try:
        helm(version)
    except HelmMissingError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    return version
