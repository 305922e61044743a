"""The packages that an image's files tell of: Debian's, Alpine's, Python's, Node's and Maven's. Pure.

Sources: dpkg-query(1), https://wiki.alpinelinux.org/wiki/Apk_spec , https://packaging.python.org/specifications/core-metadata/
, https://github.com/package-url/purl-spec
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# what is looked for in an image's layers, by path without the leading slash
FILES = re.compile(
    r"(?:etc|usr/lib)/os-release|var/lib/dpkg/status|var/lib/dpkg/status\.d/[^/]+|lib/apk/db/installed"
    r"|(?:.*/)?[^/]+\.dist-info/METADATA|(?:.*/)?[^/]+\.egg-info/PKG-INFO"
    r"|(?:.*/)?node_modules/(?:@[^/]+/)?[^/]+/package\.json|(?:.*/)?[^/]+\.[jw]ar"
)
MAX_ENTRY = 64 * 2**20
_ARCHIVE = re.compile(r"\.[jw]ar$")
_COORDINATES = re.compile(r"META-INF/maven/[^/]+/[^/]+/pom\.properties")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Package:
    """A package: its package URL, without and with which it has a name and a version; its licence's text, if told."""

    purl: str
    name: str
    version: str
    licence: str = ""


def find(files: Mapping[str, bytes]) -> tuple[Package, ...]:
    """Return the packages that `files` (by path) tell of, each once, in order."""
    archives = {path: data for path, data in files.items() if _ARCHIVE.search(path)}
    texts = {path: data.decode("utf-8", "replace") for path, data in files.items() if path not in archives}
    release = _properties(texts.get("etc/os-release") or texts.get("usr/lib/os-release") or "")
    found = {package for path, text in texts.items() for package in _of(path, text, release)}
    return tuple(sorted(found.union(*(_java(data, nested=True) for data in archives.values()))))


def _of(path: str, text: str, release: Mapping[str, str]) -> Iterator[Package]:
    if path.startswith("var/lib/dpkg/"):
        yield from _debian(text, release)
    elif path == "lib/apk/db/installed":
        yield from _alpine(text, release)
    elif path.endswith(("/METADATA", "/PKG-INFO")):
        yield from _python(text)
    elif path.endswith("/package.json"):
        yield from _node(text)


def _debian(text: str, release: Mapping[str, str]) -> Iterator[Package]:
    distribution = release.get("ID", "debian")
    for stanza in re.split(r"\n\s*\n", text):
        fields = HeaderParser().parsestr(stanza.strip())
        name, version = fields.get("Package", ""), fields.get("Version", "")
        # distroless images have no Status: what is there is installed
        if name and version and "installed" in fields.get("Status", "ok installed").split():
            about = {"arch": fields.get("Architecture", ""), "distro": _distro(release)}
            yield Package(purl=_purl("deb", distribution, name, version, about), name=name, version=version)


def _alpine(text: str, release: Mapping[str, str]) -> Iterator[Package]:
    for stanza in text.split("\n\n"):
        fields = dict(line.split(":", 1) for line in stanza.splitlines() if line[1:2] == ":")
        name, version = fields.get("P", ""), fields.get("V", "")
        if name and version:
            about = {"arch": fields.get("A", ""), "distro": _distro(release)}
            purl = _purl("apk", release.get("ID", "alpine"), name, version, about)
            yield Package(purl=purl, name=name, version=version, licence=fields.get("L", ""))


def _python(text: str) -> Iterator[Package]:
    fields = HeaderParser().parsestr(text)
    name, version = fields.get("Name", ""), fields.get("Version", "")
    if name and version:
        normal = re.sub(r"[-_.]+", "-", name).lower()
        licence = fields.get("License-Expression", "")
        yield Package(purl=_purl("pypi", "", normal, version, {}), name=name, version=version, licence=licence)


def _node(text: str) -> Iterator[Package]:
    try:
        body = json.loads(text)
        name, version, licence = body["name"], body["version"], body.get("license", "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    if isinstance(name, str) and isinstance(version, str):
        scope, _, bare = name.rpartition("/")
        told = licence if isinstance(licence, str) else ""
        yield Package(purl=_purl("npm", scope, bare, version, {}), name=name, version=version, licence=told)


def _java(data: bytes, *, nested: bool) -> set[Package]:
    """Return the artifacts whose coordinates Maven left in an archive and, when `nested`, in the archives in it."""
    found: set[Package] = set()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if entry.file_size > MAX_ENTRY:
                    continue
                if _COORDINATES.fullmatch(entry.filename):
                    found |= _maven(archive.read(entry).decode("utf-8", "replace"))
                elif nested and _ARCHIVE.search(entry.filename):
                    found |= _java(archive.read(entry), nested=False)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError, OSError):
        return found  # damaged or encrypted: what was told before is kept
    return found


def _maven(text: str) -> set[Package]:
    fields = _properties(text)
    group, name, version = (fields.get(key, "") for key in ("groupId", "artifactId", "version"))
    if not (group and name and version):
        return set()
    return {Package(purl=_purl("maven", group, name, version, {}), name=f"{group}:{name}", version=version)}


def _purl(kind: str, namespace: str, name: str, version: str, about: Mapping[str, str]) -> str:
    parts = [quote(part, safe="") for part in (namespace, name) if part]
    told = "&".join(f"{key}={quote(value, safe='')}" for key, value in sorted(about.items()) if value)
    return f"pkg:{kind}/{'/'.join(parts)}@{quote(version, safe='')}{'?' + told if told else ''}"


def _properties(text: str) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip().strip("\"'") for key, value in pairs}


def _distro(release: Mapping[str, str]) -> str:
    return "-".join(filter(None, (release.get("ID"), release.get("VERSION_ID"))))
