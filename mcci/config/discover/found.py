"""What `mcci init` has found: values only, so that finding and writing are tested apart."""

from __future__ import annotations

from dataclasses import dataclass

from mcci.config.choices import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """What git says about the repository: its folder's name, its remote's URL, its branches."""

    folder: str
    remote: str = ""
    default: str = ""
    branches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundService:
    """A service, as its Dockerfile and build files describe it; empty where they say nothing.

    `notes` are for the person who reads the written file.
    """

    name: str
    folder: str
    stack: Stack
    dockerfile: str = "Dockerfile"
    context: str = ""
    ports: tuple[int, ...] = ()
    health: str = ""
    depends_on: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Everything: the application and its services, GitLab, branches, environments, charts."""

    application: str
    services: tuple[FoundService, ...]
    gitlab: str = ""
    branches: tuple[tuple[str, str], ...] = ()
    environments: tuple[str, ...] = ()
    charts: str = ""
