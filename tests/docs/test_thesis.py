"""Every listing of the thesis has a counterpart: a row that names a file which does what it does, and a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, page

NAME = "docs/explanation/thesis.md"
# listing → what it is made of: each must stand in a file, not a test, or a test's case, that its row links
LISTINGS = {
    "2.1": ("resource \"aws_instance\"", "ami ", "instance_type"),
    "3.1": ("port ", "dev ", "server ", "client-config-dir "),
    "3.2": ("client\n", "dev ", "remote "),
    "3.3": ("ifconfig-push ", "iroute "),
    "4.1": ("serviceEntries:", "hosts:", "ports:", "resolution: STATIC", "endpoints:"),
    "4.2": ("trafficPolicy:", "connectionPool:", "maxConnections:", "http2MaxRequests:"),
    "4.3": ("virtualService:", "http:"),
    "4.4": ("gateway:", "selector:", "servers:"),
    "4.5": ("weights:", "subset:", "weight: 10", "weight: 90"),
    "4.6": ("meshID", "clusterName", "externalIstiod"),
    "4.7": ('PROFILE = "remote"', "remotePilotAddress", "injectionPath"),
    "4.8": ("remote_secrets.ACCOUNT", ".token(", "links.endpoint("),
    "4.9": ("certificate-authority-data", '"contexts"', '"current-context"', '"users"', '"token"'),
    "4.10": ("istio/multiCluster", '"Opaque"', "networking.istio.io/cluster"),
    "5.1": ("stages:", "build", "test", "script:"),
}  # fmt: skip
SECTIONS = ("3.6", "3.7", "3.8", "4.1", "4.2", "4.3", "4.4", "5.1", "5.3", "5.4")


def _rows() -> list[str]:
    return [line for line in page(NAME).text.splitlines() if line.startswith("| ") and not line.startswith("| the ")]


def _row(listing: str) -> str:
    (found,) = [row for row in _rows() if re.search(rf"listing {re.escape(listing)}\b(?!\.)", row.split("|")[1])]
    return found


def _files(cell: str) -> list[Path]:
    """Return the files of the repository that a cell links."""
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", cell)]
    return [(ROOT / NAME).parent.joinpath(link).resolve() for link in links if not re.match("[a-z]+:", link)]


@pytest.mark.parametrize("listing", LISTINGS)
def test_listing(listing: str) -> None:
    """The listing's row names what does it now and a test that shows it; what the listing is made of is there."""
    _, _, here, shown, changed, _ = _row(listing).split("|")
    tests = _files(shown)
    assert tests
    assert all(path.is_relative_to(ROOT / "tests") and path.exists() for path in tests)
    assert len(changed.split()) >= 1
    sources = [*_files(here), *(path for path in tests if path.suffix in (".yaml", ".yml"))]
    text = "\n".join(path.read_text("utf-8") for path in sources if path.is_file())
    assert [part for part in LISTINGS[listing] if part not in text] == []


def test_no_other_listing() -> None:
    """The page speaks of no listing that the thesis does not have."""
    assert set(re.findall(r"listing (\d+\.\d+)", page(NAME).text)) == set(LISTINGS)


@pytest.mark.parametrize("section", SECTIONS)
def test_section(section: str) -> None:
    """Each section that builds something has its rows."""
    assert [row for row in _rows() if row.split("|")[1].strip().startswith(section)]


def test_every_row_is_shown() -> None:
    """Every row has its four cells, and each names a test that is there."""
    for row in _rows():
        cells = row.split("|")
        assert len(cells) == 6, row
        assert all(path.is_relative_to(ROOT / "tests") for path in _files(cells[3])), row
        assert _files(cells[3]), row
