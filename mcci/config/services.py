"""The services' part of `mcci.yml`: what is built, tested and run."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from mcci.config import forms
from mcci.config.canary import ServiceCanary
from mcci.config.choices import Stack
from mcci.config.keys import Duration, Marks, key, marks


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a service says that it is well."""

    live: str = key("The path that answers 2xx while the service lives.", "/healthz", form=forms.URL_PATH)
    ready: str = key("The path that answers 2xx while the service takes requests.", "/readyz", form=forms.URL_PATH)
    timeout: Duration = key("How long a start may take.", Duration(60), minimum=1, maximum=3600)
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One microservice."""

    name: str = ""
    path: str = key("The service's folder; by default its name.", "", form=forms.PATH)
    stack: Stack = key("How the source is compiled; `dockerfile` leaves it to the Dockerfile.", Stack.DOCKERFILE)
    image: str = key("The image's name in the registry; by default the service's name.", "", form=forms.IMAGE_NAME)
    dockerfile: str = key("The Dockerfile, relative to the service's folder.", "Dockerfile", form=forms.FILE_IN_SERVICE)
    context: str = key(
        "The build context; by default the service's folder, `.` for the whole repository.", "", form=forms.PATH
    )
    build_args: Mapping[str, str] = key(
        "Build arguments. They stay readable in the image: secrets belong in `build_secrets`.",
        factory=dict,
        key_form=forms.BUILD_ARGUMENT,
        examples=({"BASE_IMAGE": "python:3.12-slim"},),
    )
    build_secrets: tuple[str, ...] = key(
        "Variables passed to the build as secrets, in no argument and no layer.", (), form=forms.VARIABLE, unique=True
    )
    tests: tuple[str, ...] = key(
        "Commands run against the built image; SERVICE_URL tells them where it answers.",
        (),
        form=forms.COMMAND,
        examples=(["curl --fail $SERVICE_URL/healthz"],),
    )
    smoke: tuple[str, ...] = key(
        "Commands that `mcci verify` runs after a deploy; SERVICE_URL tells them where the environment answers.",
        (),
        form=forms.COMMAND,
        examples=(["curl --fail $SERVICE_URL/drivers"],),
    )
    ports: Mapping[str, int] = key(
        "The ports it listens on, by name; the first answers the health checks. Istio tells the protocol from the "
        "name's beginning: `http`, `grpc`, `tcp`.",
        factory=lambda: {"http": 8080},
        minimum=1,
        maximum=65535,
        key_form=forms.PORT_NAME,
    )
    health: Health = key("How it says that it is well.", factory=Health)
    depends_on: tuple[str, ...] = key(
        "What its image is built from besides its own folder: services by name, folders as paths with a `/`.",
        (),
        form=forms.PATH,
        unique=True,
        examples=(["libraries/common/"],),
    )
    clusters: tuple[str, ...] = key("The clusters it runs on; by default all.", (), form=forms.NAME, unique=True)
    canary: ServiceCanary = key(
        "Its own canary settings, or `off`.",
        factory=ServiceCanary,
        shorthand={"off": {"enabled": False}, "on": {"enabled": True}},
    )
    values: Mapping[str, object] = key("Helm values for this service, by chart: `microservice`, `istio`.", factory=dict)
    marks: Marks = marks()

    @property
    def folder(self) -> str:
        """The service's folder, in its shortest form: `services/web`."""
        return posixpath.normpath(self.path or self.name)

    @property
    def build_context(self) -> str:
        """The folder that the build sends to the engine."""
        return posixpath.normpath(self.context) if self.context else self.folder

    @property
    def dockerfile_path(self) -> str:
        """The Dockerfile's path from the repository's root."""
        return posixpath.normpath(f"{self.folder}/{self.dockerfile}")

    @property
    def image_name(self) -> str:
        """The image's name below the registry's namespace."""
        return self.image or self.name

    @property
    def needed_services(self) -> tuple[str, ...]:
        """The services it depends on, by name."""
        return tuple(name for name in self.depends_on if "/" not in name)

    @property
    def needed_folders(self) -> tuple[str, ...]:
        """The folders besides its own that it is built from, in their shortest form: `libraries/common`."""
        return tuple(posixpath.normpath(path) for path in self.depends_on if "/" in path)

    def runs_on(self, cluster: str) -> bool:
        """Return whether `cluster` runs its stable or its canary version."""
        return not self.clusters or cluster in self.clusters or cluster in self.canary.clusters
