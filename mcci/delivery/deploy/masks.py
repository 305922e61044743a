"""Secrets in values, kept out of everything that is shown; pure.

Values should name secrets, not hold them. Where one holds one all the same, its name gives it away (`password`,
`API_TOKEN`, `dbPassword`), and then it is masked wherever it appears: in diffs, plans, logs of pods, words of helm.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK = "[masked]"
LEAST = 4  # characters: masking what is shorter would garble the text, and hide nothing
# Words in a key's name that make its value a secret, and those that make it the secret's place or name. The rules of
# `mcci check` know more (mcci/check/secret_names.py); importing them would cost a job a second.
_SECRET = re.compile(
    r"(^|_)(PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|SECRETS?|TOKENS?|APIKEY|CREDENTIALS?|PAT|JWT|DSN"
    r"|(API|PRIVATE|ACCESS|SECRET|SIGNING|ENCRYPTION|DEPLOY|MASTER|SSH|GPG|PGP)_KEY)(_[0-9A-Z]+)?$"
)
_PLACE = re.compile(
    r"_(FILE|PATH|DIR|NAME|ID|URL|URI|HOST|USER|USERNAME|TYPE|TTL|VERSION|STORE|HEADER|ISSUER|SCOPES?|ENABLED|REF|ENV)$"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAMES = re.compile(r"[^A-Za-z0-9]+")


class Masks:
    """Masks secrets in texts. Safe to use from several threads."""

    def __init__(self, values: Iterable[Mapping[str, Any]] = ()) -> None:
        self._pattern: re.Pattern[str] | None = None
        self._known: frozenset[str] = frozenset()
        for each in values:
            self.learn(each)

    def learn(self, values: Mapping[str, Any]) -> None:
        """Mask from now on what `values` hold under a secret's name."""
        found = {text for text in secrets(values) if len(text) >= LEAST}
        found |= {base64.b64encode(text.encode()).decode() for text in found}
        self._known |= found
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """Return `text` with every known secret masked."""
        return self._pattern.sub(MASK, text) if self._pattern else text


def secrets(values: Any, *, inside: bool = False) -> Iterator[str]:
    """Return the texts that stand under a secret's name, at any depth; `{name: TOKEN, value: …}` counts too."""
    if isinstance(values, Mapping):
        named = is_secret(str(values.get("name", ""))) and "value" in values
        for key, value in values.items():
            yield from secrets(value, inside=inside or (named and key == "value") or is_secret(str(key)))
    elif isinstance(values, list | tuple):
        for value in values:
            yield from secrets(value, inside=inside)
    elif inside and isinstance(values, str | int) and not isinstance(values, bool):
        text = str(values)
        yield text
        yield from (line for line in text.splitlines() if line != text)


def hidden(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest as it may be shown: a Secret with its values masked."""
    if manifest.get("kind") != "Secret":
        return dict(manifest)
    masked = {key: dict.fromkeys(manifest[key] or {}, MASK) for key in ("data", "stringData") if key in manifest}
    return {**manifest, **masked}


def is_secret(key: str) -> bool:
    """Say whether a key's name makes its value a secret: `password`, `API_TOKEN`, `dbPassword`."""
    name = _NAMES.sub("_", _HUMP.sub("_", key)).upper()
    return bool(_SECRET.search(name)) and not _PLACE.search(name)
