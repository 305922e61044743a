"""What to start, as the charts say it: Helm renders each service, and the rendered Deployment becomes a process.

Environment, ConfigMap, ports and readiness probe are taken from what Helm rendered, command and defaults from the
image's Dockerfile. Two things a cluster would give are stood in for: addresses of rendered Services lead to loopback
ports, and mounted files lie under a folder of this run.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from localrun.services import CALLS, ROOT, LocalService, SetupError, base_environment, free_ports

NO_DIGEST = "sha256:" + "0" * 64  # nothing is pulled: the source tree stands in for the image
CHART = ROOT.parent / "charts" / "microservice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What Helm rendered for one service."""

    name: str
    environment: Mapping[str, str]
    files: Mapping[str, str]
    port: int
    ready_path: str


def find_helm(named: Path | None = None) -> Path:
    """The helm to use: the one named, the one on PATH, or one in mcci's cache. Raises SetupError."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mcci", "helm")
    on_path = shutil.which("helm")
    candidates = [named] if named else [*([Path(on_path)] if on_path else []), *sorted(cache.glob("*/helm"))]
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            return candidate
    where = f"{named} cannot be run" if named else "none on PATH"
    raise SetupError(f"no helm: {where}; install Helm, or run: python tests/tools/helm.py --install")


def render(helm: Path, name: str, *, version: str, environment: str, cloud: str) -> list[dict[str, Any]]:
    """The objects that Helm renders for a service in an environment. Raises SetupError with Helm's own words."""
    folder = ROOT / name
    profile = folder / "profiles" / f"{environment}.yml"
    if not profile.is_file():
        raise SetupError(f"{name} has no profile for {environment}: {profile} is not there")
    given = {"version": version, "cloud": cloud, "image.repository": name, "image.digest": NO_DIGEST}
    command = [str(helm), "template", f"{name}-{version}", str(CHART), "--values", str(folder / "values.yml")]
    command += ["--set-file", f"profile.content={profile}", "--set-string"]
    command.append(",".join(f"{key}={value}" for key, value in given.items()))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"helm cannot render {name}: {done.stderr.strip()}")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def read_workload(objects: Iterable[dict[str, Any]]) -> Workload:
    """The one Deployment among the objects, with the files its ConfigMaps mount."""
    by_kind: dict[str, dict[str, Any]] = {}
    for each in objects:
        by_kind.setdefault(each["kind"], {})[each["metadata"]["name"]] = each
    (deployment,) = by_kind["Deployment"].values()
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    probe = container["readinessProbe"]["httpGet"]
    maps = {volume["name"]: volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
    return Workload(
        name=deployment["metadata"]["labels"]["app"],
        environment={variable["name"]: variable["value"] for variable in container["env"]},
        files={
            mount["mountPath"]: by_kind["ConfigMap"][maps[mount["name"]]]["data"][mount["subPath"]]
            for mount in container["volumeMounts"]
            if mount["name"] in maps
        },
        port=ports.get(probe["port"], probe["port"]),
        ready_path=probe["path"],
    )


def service_addresses(objects: Iterable[dict[str, Any]]) -> set[tuple[str, int]]:
    """Name and port of every rendered Service."""
    services = [each for each in objects if each["kind"] == "Service"]
    return {(each["metadata"]["name"], port["port"]) for each in services for port in each["spec"]["ports"]}


def image_defaults(dockerfile: Path) -> tuple[list[str], dict[str, str]]:
    """A Dockerfile's CMD, and its ENV with the defaults of its ARGs filled in."""
    text = dockerfile.read_text().replace("\\\n", " ")
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)", text, re.MULTILINE))
    words = [word for line in re.findall(r"^ENV (.*)", text, re.MULTILINE) for word in shlex.split(line)]
    pairs = (word.split("=", 1) for word in words)
    command = re.findall(r"^CMD (\[.*\])", text, re.MULTILINE)[-1]
    variables = {key: re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], value) for key, value in pairs}
    return json.loads(command), variables


def from_charts(
    folder: Path,
    *,
    helm: Path,
    environment: str,
    cloud: str,
    overrides: Mapping[str, Mapping[str, str]],
    webapp_port: int = 0,
    logs: Path | None = None,
) -> list[LocalService]:
    """The six services as the charts render them for `environment`; mounted files are written under `folder`.

    Raises SetupError when Helm fails, or a rendered port is not the one that the service listens on.
    """
    version = {name: overrides.get(name, {}).get("SERVICE_VERSION", "v1") for name in CALLS}
    rendered = {name: render(helm, name, version=version[name], environment=environment, cloud=cloud) for name in CALLS}
    ports = dict(zip(CALLS, free_ports(len(CALLS)), strict=True))
    ports["webapp"] = webapp_port or ports["webapp"]
    known = {address for objects in rendered.values() for address in service_addresses(objects)}
    services = []
    for name, objects in rendered.items():
        workload = read_workload(objects)
        command, variables = image_defaults(ROOT / name / "Dockerfile")
        mounted = _write_files(folder / name, workload.files)
        variables |= {key: mounted.get(value, value) for key, value in workload.environment.items()}
        profile = yaml.safe_load(workload.files[workload.environment["PROFILE"]])
        listens = int(variables.get("PORT", profile.get("port", 0)))
        if listens != workload.port:
            raise SetupError(f"{name} listens on {listens}, but its chart declares port {workload.port}")
        settings = {**profile, **{key.lower(): value for key, value in workload.environment.items()}}
        local = _local_addresses(settings, known, ports)
        own = {"BIND": "127.0.0.1", "PORT": str(ports[name]), **overrides.get(name, {})}
        python_path = {"PYTHONPATH": base_environment()["PYTHONPATH"]}
        services.append(
            LocalService(
                name=name,
                command=(sys.executable, *command[1:]),
                environment={**base_environment(), **variables, **python_path, **local, **own},
                port=ports[name],
                logs=logs,
                ready_path=workload.ready_path,
            )
        )
    return services


def _write_files(folder: Path, files: Mapping[str, str]) -> dict[str, str]:
    """Write mounted files under `folder`; where each mounted path now lies."""
    places = {}
    for path, text in files.items():
        place = folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        places[path] = str(place)
    return places


def _local_addresses(
    settings: Mapping[str, Any], known: set[tuple[str, int]], ports: Mapping[str, int]
) -> dict[str, str]:
    """For each setting that is the URL of a rendered Service: the variable that leads it to its process."""
    local = {}
    for key, value in settings.items():
        if not key.endswith("_url"):
            continue
        parts = urlsplit(str(value))
        if (parts.hostname, parts.port or 80) not in known or parts.hostname is None:
            raise SetupError(f"{key} is {value}, but no rendered Service has that name and port")
        local[key.upper()] = f"http://127.0.0.1:{ports[parts.hostname]}{parts.path}"
    return local
