"""What a component knows of itself: `$[[ component.name ]]`, for the keys that its `spec:component` lists.

https://docs.gitlab.com/ci/components/ and https://docs.gitlab.com/ci/yaml/#speccomponent
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mcci.findings import Position
from mcci.pipeline.document import List, Map

Report = Callable[[str, str, Position], None]

_KEYS = ("name", "reference", "sha", "version")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_VERSION = re.compile(r"v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A component as an include names it: its `name`, and the `reference` behind the @."""

    name: str
    reference: str

    def values(self) -> dict[str, str]:
        """Return what is known of it without asking GitLab, by key: a commit and a version only where it names them."""
        known = {"name": self.name, "reference": self.reference}
        if _SHA.fullmatch(self.reference):
            known["sha"] = self.reference
        if _VERSION.fullmatch(self.reference):
            known["version"] = self.reference
        return known


def asked_of(component: Component | None, spec: Map, report: Report) -> dict[str, str]:
    """Return the values of the keys that a `spec:component` lists; none where the file is no component's.

    What it lists wrongly, and what only GitLab knows, is reported.
    """
    where = spec.value_position("component")
    listed = spec["component"]
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, List) else []
    if not isinstance(listed, List) or len(names) < len(listed) or set(names) - set(_KEYS):
        report("component", f"spec:component should list some of {', '.join(_KEYS)}", where)
        return {}
    if component is None:
        return {}
    known = component.values()
    for name in names:
        if name not in known:
            at = f"@{component.reference}"
            report("include-offline", f"component.{name} of '{component.name}{at}' is known to GitLab only", where)
    return {name: known[name] for name in names if name in known}
