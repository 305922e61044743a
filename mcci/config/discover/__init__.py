"""An existing repository to a first `mcci.yml`: pure functions from its files to the text that `mcci init` writes."""

from __future__ import annotations

from mcci.config.discover.found import Checkout, Found
from mcci.config.discover.services import find_services
from mcci.config.discover.surroundings import find_surroundings
from mcci.config.discover.text import SCHEMA, text
from mcci.config.discover.tree import Tree, is_looked_at, is_read

__all__ = ["SCHEMA", "Checkout", "Found", "Tree", "discover", "is_looked_at", "is_read", "text"]


def discover(tree: Tree, checkout: Checkout) -> Found:
    """Return what the repository says about its services and surroundings."""
    return find_surroundings(tree, checkout, find_services(tree, checkout))
