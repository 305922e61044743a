"""What mcci has Helm do: upgrade, uninstall, render. Values go in by stdin, and every helm can be stopped at once."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import threading
from typing import TYPE_CHECKING, Any

from mcci.clients.helm import binary, library
from mcci.clients.helm.failures import HelmFailed, HelmStopped, failure
from mcci.clients.processes import end

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mcci.clients.helm.binary import Helm

UNKNOWN_FIELD = re.compile(rb'unknown field \\?"([^"\\]+)')  # what a server warns of, and Helm 3 passes on
HISTORY = 5  # revisions that Helm keeps of a release: enough to look back, and each is a Secret in the cluster
PATIENCE = 60.0  # seconds for what asks no cluster


class HelmClient:
    """One helm for one cluster. Safe to use from several threads; each call blocks until helm has ended.

    Every method raises `ChartRefused`, `HelmUnreachable`, `ReleaseBusy`, `HelmFailed`, or `HelmStopped` after `stop`.
    """

    def __init__(self, helm: Helm, environment: Mapping[str, str], kubeconfig: Path | None = None) -> None:
        self.helm = helm
        self._kubeconfig = kubeconfig
        self._environment = binary.clean(environment)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def upgrade(
        self, release: str, chart: Path, values: Mapping[str, Any], namespace: str, *, description: str, timeout: float,
        checked_by_server: bool = False,
    ) -> None:  # fmt: skip
        """Install or upgrade a release. It does not wait for pods; hooks (migrations) have `timeout` seconds.

        With Helm 4 the objects are applied on the server, and fields that others own are taken: `values` say all.
        `checked_by_server` is for a server that checks fields itself (Kubernetes 1.27): helm would only ask, twice,
        whether it does. A field that it does not know fails the upgrade, where Helm 3 alone would only warn.
        """
        options: dict[str, Any] = {"create_namespace": False, "namespace": namespace, "description": description}
        if self.helm.server_side:
            options |= {"server_side": "true", "force_conflicts": True}
        more = ["--disable-openapi-validation"] if checked_by_server else []
        self._ask(release, self._command(timeout, more).install_or_upgrade(release, chart, dict(values), **options))

    def uninstall(self, release: str, namespace: str, *, timeout: float) -> None:
        """Remove a release and its objects; one that is not there is left so."""
        arguments = ["uninstall", release, "--namespace", namespace, "--ignore-not-found"]
        self._ask(release, self._command(timeout).run([*arguments, "--timeout", _seconds(timeout)]))

    def template(
        self, release: str, chart: Path, values: Mapping[str, Any], namespace: str, *,
        kube_version: str = "", api_versions: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """Return the manifests of a release, asking no cluster: for this version of Kubernetes, and these APIs."""
        arguments = ["template", release, str(chart), "--namespace", namespace, "--values", "-", "--skip-tests"]
        arguments += ["--kube-version", kube_version] if kube_version else []
        for each in api_versions:
            arguments += ["--api-versions", each]
        command = self._command(PATIENCE, offline=True)
        text: bytes = self._ask(release, command.run(arguments, json.dumps(dict(values)).encode()))
        return text.decode()

    def stop(self) -> None:
        """End every helm that runs here, with all it started, and start no other."""
        with self._lock:
            self._stopped = True
            found = list(self._running)
        for process in found:
            end(process)

    def _ask(self, release: str, call: Any) -> Any:
        """Run one of pyhelm3's coroutines to its end, and translate its errors."""
        try:
            return asyncio.run(call)
        except library.error() as error:
            raise failure(release, error.stderr.decode(errors="replace")) from error
        except ValueError as error:  # pyhelm3 reads helm's JSON
            raise HelmFailed(f"{release}: helm's answer cannot be read: {error}") from error

    def _command(self, timeout: float, more: Sequence[str] = (), *, offline: bool = False) -> Any:
        """Return pyhelm3's command, which builds the arguments; the process is run here, with `more` of them.

        pyhelm3 runs helm through a shell, ends the shell alone when it is cancelled, and knows no process group.
        """

        class Grouped(library.command()):  # type: ignore[misc]  # pyhelm3 has no types
            async def run(command, arguments: list[Any], input: bytes | None = None) -> bytes:  # noqa: N805
                return self._process([*map(str, arguments), *more], input, offline=offline)

        return Grouped(default_timeout=_seconds(timeout), history_max_revisions=HISTORY)

    def _process(self, arguments: list[str], data: bytes | None, *, offline: bool) -> bytes:
        where = ["--kubeconfig", str(self._kubeconfig)] if self._kubeconfig and not offline else []
        with self._lock:
            if self._stopped:
                raise HelmStopped("helm was stopped.")
            process = subprocess.Popen(
                [self.helm.path, *arguments, *where],
                stdin=subprocess.PIPE if data is not None else subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self._environment, start_new_session=True,
            )  # fmt: skip
            self._running.add(process)
        try:
            out, err = process.communicate(data)
        finally:
            with self._lock:
                self._running.discard(process)
                stopped = self._stopped
        if process.returncode:
            if stopped:
                raise HelmStopped("helm was stopped.")
            raise library.error()(process.returncode, out, err)
        if unknown := UNKNOWN_FIELD.findall(err):
            fields = ", ".join(sorted({each.decode(errors="replace") for each in unknown}))
            raise HelmFailed(f"{arguments[1]}: the cluster does not know the field {fields}, and would ignore it.")
        return out


def _seconds(timeout: float) -> str:
    return f"{max(1, round(timeout))}s"
