"""What makes a finding the same one after lines moved above it: its rule, its file and what it says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from mcci.findings import Finding


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """Return one stable fingerprint for each finding; of equal ones the second, third … are told apart by number."""
    seen: Counter[tuple[str, str, str]] = Counter()
    result = []
    for finding in findings:
        # Messages name other lines of the file ("first on line 12"), which move too.
        said = re.sub(r"\bline \d+", "line", finding.message)
        key = (finding.rule, finding.position.file, said)
        seen[key] += 1
        result.append(sha256("\0".join((*key, str(seen[key]))).encode()).hexdigest())
    return result
