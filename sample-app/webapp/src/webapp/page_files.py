"""The page's files, read once, compressed once, served from memory under names that browsers may cache."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib import resources

CONTENT_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    """One file, ready to send."""

    content: bytes
    compressed: bytes
    content_type: str
    etag: str


def load_page(public_path: str) -> dict[str, PageFile]:
    """Every file of the page by name; in `index.html` the base address becomes `public_path`."""
    files = {}
    for entry in sorted((resources.files("webapp") / "page").iterdir(), key=lambda entry: entry.name):
        kind = CONTENT_TYPES.get(entry.name.rpartition(".")[2])
        if kind is None:
            continue
        content = entry.read_bytes()
        if entry.name == "index.html":
            content = content.replace(b'<base href="/">', f'<base href="{public_path}">'.encode())
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        compressed = gzip.compress(content, mtime=0)
        files[entry.name] = PageFile(content=content, compressed=compressed, content_type=kind, etag=etag)
    return files
