"""What `mcci lab up` and `mcci lab status` print of a lab that runs."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from mcci import output

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mcci.lab.control import Status
    from mcci.lab.load.model import Seen
    from mcci.lab.parts.kept import Record
    from mcci.lab.plan import Folder


def show(found: Status, folder: Folder, format_: str) -> None:
    """Print a lab's clusters, programs and load, and the variables by which commands find it."""
    from mcci.lab.load import model
    from mcci.lab.parts import PARTS, kept

    clusters: Mapping[str, Any] = found.parts.get("clusters", {})
    off = {name for name in clusters if folder.is_off(name).exists()}
    programs = [(part.NAME, each) for part in PARTS for each in kept.records(folder, part.NAME)]
    loads = model.seen(folder)
    if format_ == "json":
        output.json_document("lab", 1, _body(found, off, programs, loads))
        return
    if format_ == "text":
        for line in lines(found, off, [each for _, each in programs], loads):
            output.text(line)
        output.text()
    for name, value in found.exports.items():
        output.text(f"export {name}={shlex.quote(value)}")


def lines(found: Status, off: set[str], programs: Iterable[Record], loads: Sequence[Seen]) -> list[str]:
    """Return the report as lines for people."""
    clusters: Mapping[str, Any] = found.parts.get("clusters", {})
    width = max(map(len, clusters), default=0)
    listed = []
    for name, facts in clusters.items():
        word = output.notable("off") if name in off else output.good("up ")
        listed.append(f"{word} {name:{width}}  {facts['url']}  pods {facts['pods']}, {facts['addresses']}")
        listed += [f"    {' ' * width}  {line}" for line in _beside(found, name)]
    if network := found.parts.get("network"):
        listed.append(f"{', '.join(network['sites'])} are joined by OpenVPN ({network['mode']})")
    listed += [line for each in programs if (line := _care(each))]
    return [*listed, *(f"load on {each.line}" for each in loads)]


def _beside(found: Status, cluster: str) -> list[str]:
    mesh, metrics = found.parts.get("mesh", {}).get(cluster, {}), found.parts.get("metrics", {}).get(cluster, {})
    words = [f"gateway {mesh['gateway']}, mesh {mesh['mesh']}"] if mesh else []
    return [", ".join([*words, f"Prometheus {metrics['prometheus']}"])] if metrics else words


def _care(found: Record) -> str:
    if found.problem:
        return output.bad(f"{found.name} does not run: {found.problem}")
    again = found.starts - 1
    return output.notable(f"{found.name} has died, and was restarted {again}×") if again > 0 else ""


def _body(
    found: Status, off: set[str], programs: Sequence[tuple[str, Record]], loads: Sequence[Seen]
) -> dict[str, Any]:
    clusters: Mapping[str, Any] = found.parts.get("clusters", {})
    mesh, metrics = found.parts.get("mesh", {}), found.parts.get("metrics", {})
    return {
        "up": found.ready, "pid": found.pid, "since": found.since,
        "clusters": [
            {"name": name, **facts, "on": name not in off, **mesh.get(name, {}), **metrics.get(name, {})}
            for name, facts in clusters.items()
        ],
        "registry": found.parts.get("registry", {}).get("host", ""),
        "programs": [
            {"part": part, "name": each.name, "pid": each.pid, "starts": each.starts, "problem": each.problem}
            for part, each in programs
        ],
        "load": [each.body for each in loads],
    }  # fmt: skip
