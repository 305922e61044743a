"""Where a mesh's root of trust is kept: in a folder outside of the repository, or in two variables of the job."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

CERTIFICATE, KEY = "root-cert.pem", "root-key.pem"
CERTIFICATE_VARIABLE, KEY_VARIABLE = "MCCI_MESH_ROOT_CERT", "MCCI_MESH_ROOT_KEY"
ADVICE = (
    f"Give a folder outside of the repository with --ca (it is made, and {CERTIFICATE} and {KEY} in it), or the two "
    f"PEM texts in the variables {CERTIFICATE_VARIABLE} and {KEY_VARIABLE} (type File, protected)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept, as PEM; empty where it is not there."""

    certificate: str
    key: str = field(repr=False)
    source: str


def find(folder: Path | None, root: Path, environment: Mapping[str, str]) -> Kept | None:
    """Return what is kept in `folder`, or in the variables; None where neither was given.

    `root` is the repository, which `folder` may not be in. Raises `UsageError` for what cannot be read, or others can.
    """
    if folder is not None:
        return _in_folder(folder, root)
    certificate, key = (_variable(environment, name) for name in (CERTIFICATE_VARIABLE, KEY_VARIABLE))
    if key and not certificate:
        raise UsageError(f"{KEY_VARIABLE} is set, and {CERTIFICATE_VARIABLE} is not.")
    if not certificate:
        return None
    return Kept(certificate=certificate, key=key, source=f"{CERTIFICATE_VARIABLE}, {KEY_VARIABLE}")


def keep(folder: Path, certificate: str, key: str) -> None:
    """Write a new root, for this user alone; the key first, so that no certificate is ever without one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in ((KEY, key), (CERTIFICATE, certificate)):
        fresh = folder / f".{name}.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(folder / name)


def _in_folder(folder: Path, root: Path) -> Kept:
    if folder.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{folder} is in the repository, where the mesh's root key must never be. {ADVICE}")
    key = folder / KEY
    try:
        if key.exists() and key.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UsageError(f"{key} can be read by others: whoever has it is the mesh. Run `chmod 600 {key}`.")
        texts = [each.read_text("utf-8") if each.exists() else "" for each in (folder / CERTIFICATE, key)]
    except (OSError, ValueError) as error:
        raise UsageError(f"the mesh's root in {folder} cannot be read: {error}.") from error
    return Kept(certificate=texts[0], key=texts[1], source=str(folder))


def _variable(environment: Mapping[str, str], name: str) -> str:
    """Return the PEM that a variable holds, or the file that it names."""
    value = environment.get(name, "").strip()
    if not value or value.startswith("-----BEGIN"):
        return value
    try:
        return Path(value).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{name} holds neither a PEM text nor the path of a file with one.") from error
