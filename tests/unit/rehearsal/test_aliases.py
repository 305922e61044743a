"""The host names by which jobs know their services."""

from __future__ import annotations

import pytest

from mcci.rehearsal.runner.containers import aliases
from mcci.rehearsal.runner.job import Image


@pytest.mark.parametrize(
    ("name", "alias", "expected"),
    [
        ("postgres:17", "", ("postgres",)),
        ("tutum/wordpress:latest", "", ("tutum__wordpress", "tutum-wordpress")),
        ("example.com:5000/a/db@sha256:" + "0" * 64, "", ("example.com__a__db", "example.com-a-db")),
        ("docker:28-dind", "docker", ("docker",)),
        ("postgres", "db, store  other", ("db", "store", "other", "postgres")),
    ],
)  # fmt: skip
def test_aliases(name: str, alias: str, expected: tuple[str, ...]) -> None:
    """A service has its own aliases, and two names made of its image's, without port and tag."""
    assert aliases(Image(name=name, alias=alias)) == expected
