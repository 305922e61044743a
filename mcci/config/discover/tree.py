"""A repository's files as `mcci init` sees them: every path, and the text of those that say something."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.config import forms
from mcci.config.scalars import check_form

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILD_FILES = ("pom.xml", "go.mod", "pyproject.toml", "setup.cfg", "setup.py", "requirements.txt", "package.json")
_READ = frozenset((*BUILD_FILES, "go.work"))
_DOCKERFILE = re.compile(r"(?i)(dockerfile|containerfile)(\.[\w-]+)?|[\w.-]+\.(dockerfile|containerfile)")
# folders that hold what is made or borrowed, or Dockerfiles that are no service's
_MADE = ("target", "build", "dist", "out", "venv", "__pycache__", "site-packages")
_BORROWED = ("node_modules", "vendor", "bower_components", "third_party")
_ASIDE = ("test", "tests", "testdata", "fixtures", "example", "examples", "docs", "doc", "bench", "benchmarks")
_SKIPPED = frozenset((*_MADE, *_BORROWED, *_ASIDE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """`paths` are all files, relative to the root with `/`; `texts` the contents of those that `is_read` names."""

    paths: frozenset[str]
    texts: Mapping[str, str]

    def usable(self) -> list[str]:
        """Return the paths in folders that are looked into and that `mcci.yml` can name, in order."""
        return [path for path in sorted(self.paths) if _is_usable(path)]

    def named(self, *names: str) -> dict[str, str]:
        """Return the files called one of `names`, path → text, in order."""
        return {path: text for path, text in self._texts() if posixpath.basename(path) in names}

    def dockerfiles(self) -> dict[str, str]:
        """Return the Dockerfiles, path → text, in order."""
        return {path: text for path, text in self._texts() if is_dockerfile(path)}

    def has_folder(self, folder: str) -> bool:
        """Return whether `folder` holds a file."""
        return folder == "." or any(path.startswith(f"{folder}/") for path in self.paths)

    def _texts(self) -> list[tuple[str, str]]:
        return [(path, text) for path, text in sorted(self.texts.items()) if _is_usable(path)]


def is_looked_at(folder: str) -> bool:
    """Return whether a folder of this name is looked into: what is hidden, made, borrowed or a test is not."""
    return not folder.startswith(".") and folder not in _SKIPPED


def is_read(path: str) -> bool:
    """Return whether the file's text says something."""
    return posixpath.basename(path) in _READ or is_dockerfile(path)


def is_dockerfile(path: str) -> bool:
    """Return whether the file's name is a Dockerfile's."""
    name = posixpath.basename(path)
    return bool(_DOCKERFILE.fullmatch(name)) and not name.lower().endswith(("dockerignore", ".md", ".j2", ".tpl"))


def _is_usable(path: str) -> bool:
    return all(map(is_looked_at, path.split("/")[:-1])) and not check_form(path, forms.PATH)


def joined(folder: str, path: str) -> str:
    """Return `path`, seen from `folder`, as seen from the root, in its shortest form."""
    return posixpath.normpath(posixpath.join(folder, path))


def folder_of(path: str) -> str:
    """Return the folder that holds `path`; `.` for the root."""
    return posixpath.dirname(path) or "."


def slug(text: str, limit: int = 40) -> str:
    """Return `text` as a name: lower-case letters, digits and dashes, beginning with a letter; or nothing."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", text).lower()
    return re.sub(r"^[^a-z]+", "", re.sub(r"[^a-z0-9]+", "-", words))[:limit].strip("-")
