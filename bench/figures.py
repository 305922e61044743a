"""How a benchmark shows what it measured: ratios and samples as a table, or all of it as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured: `samples` as they were, `ratios` of them, and the versions of what was measured."""

    ratios: Mapping[str, float]
    versions: Mapping[str, str]
    samples: Mapping[str, float]

    def show(self, *, as_json: bool) -> None:
        """Print them."""
        if as_json:
            print(json.dumps(asdict(self), indent=2))
            return
        for part, numbers in (("ratios", self.ratios), ("samples", self.samples)):
            print(f"{part}:")
            for name, value in numbers.items():
                print(f"  {name:24} {value:10.3f}")
        print(f"versions: {dict(self.versions)}")
