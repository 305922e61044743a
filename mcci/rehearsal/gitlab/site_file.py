"""What a local GitLab keeps of its project beside the pipelines: settings, people, merge requests, as one file.

It holds tokens and variables, so it is its owner's alone. It is written whole, beside, and put in place: a reader, and
a restart, sees the one or the other.
"""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

from mcci.errors import ServiceFailed
from mcci.rehearsal.gitlab import kept
from mcci.rehearsal.gitlab.merge_requests import Request

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.rehearsal.gitlab.site import Site

SCHEMA = "mcci.gitlab-site/1"


class SiteFile:
    """The file of one site."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = ""
        self._lock = threading.Lock()

    def load(self, site: Site) -> None:
        """Put what was kept into `site`, where something was. Raises `ServiceFailed` where that cannot be read."""
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return
        try:
            found = json.loads(self._path.read_text("utf-8"))
            users = {each["id"]: kept.user(each) for each in found["users"]}
            site.users = list(users.values())
            site.settings = kept.settings(found["settings"], users)
            for each in found["merge_requests"]:
                site.merge_requests.all[each["iid"]] = Request(**{**each, "author": users[each["author"]["id"]]})
            site.refused.update(found["refused"])
        except (ValueError, LookupError, TypeError) as error:
            raise ServiceFailed(f"{self._path}: this state of a local GitLab cannot be taken up: {error!r}") from error

    def save(self, site: Site) -> None:
        """Write it where something has changed."""
        with self._lock:
            body: dict[str, Any] = {
                "schema": SCHEMA,
                "users": kept.plain(site.users),
                "settings": kept.plain(site.settings),
                "merge_requests": kept.plain(list(site.merge_requests.all.values())),
                "refused": dict(site.refused),
            }
            text = json.dumps(body, indent=1)
            if text == self._text:
                return
            new = self._path.with_suffix(".new")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            new.replace(self._path)
            self._text = text
