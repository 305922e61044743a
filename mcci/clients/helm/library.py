"""pyhelm3's command, without what mcci does not use of that package.

Its `__init__` loads pydantic models of releases and charts: a quarter of a second of CPU in every job. `command` and
`errors` need none of them, so they are loaded beside an empty package.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from mcci.errors import McciError

_lock = threading.Lock()


def command() -> Any:
    """Return the class `pyhelm3.command.Command`."""
    return _load("pyhelm3.command").Command


def error() -> Any:
    """Return the class `pyhelm3.errors.Error`."""
    return _load("pyhelm3.errors").Error


def _load(name: str) -> Any:
    with _lock:
        if "pyhelm3" not in sys.modules:
            found = find_spec("pyhelm3")
            if found is None or found.submodule_search_locations is None:
                raise McciError("this installation of mcci lacks pyhelm3: install it again.")
            package = ModuleType("pyhelm3")
            package.__path__ = list(found.submodule_search_locations)
            package.__spec__ = found
            sys.modules["pyhelm3"] = package
    return import_module(name)
