"""What every service of the application needs and none should write twice."""

from __future__ import annotations

from servicekit.app import Service, create_app
from servicekit.bodies import number_parameter, read_json
from servicekit.client import Answer, Backend, BackendError, NotFound, Stream
from servicekit.latest import Latest, follow
from servicekit.lifecycle import Lifecycle
from servicekit.main import run
from servicekit.problems import Problem
from servicekit.profile import ProfileError, load_settings
from servicekit.settings import ServiceSettings, setting

__all__ = [
    "Answer",
    "Backend",
    "BackendError",
    "Latest",
    "Lifecycle",
    "NotFound",
    "Problem",
    "ProfileError",
    "Service",
    "ServiceSettings",
    "Stream",
    "create_app",
    "follow",
    "load_settings",
    "number_parameter",
    "read_json",
    "run",
    "setting",
]
