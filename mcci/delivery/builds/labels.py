"""What an image says of itself: labels with the keys of OCI's annotations, and mcci's own; pure.

Source: https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mcci.delivery.candidates import BASE_LABEL, COMMIT_LABEL, CONTENT_TAG_LABEL, PIPELINE_LABEL
from mcci.delivery.content_tags.explain import INPUTS_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.working_tree import WorkingTree
    from mcci.delivery.content_tags.decide import Decision

_OCI = "org.opencontainers.image"


def labels(decision: Decision, tree: WorkingTree, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of the image that `decision` asks for.

    Its time is the commit's, so that two builds of one commit do not differ in it.
    """
    found = {
        f"{_OCI}.title": decision.service.name,
        f"{_OCI}.created": datetime.fromtimestamp(tree.committed, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        f"{_OCI}.version": tree.commit[:12],
        f"{_OCI}.source": environment.get("CI_PROJECT_URL", ""),
        f"{_OCI}.url": environment.get("CI_PROJECT_URL", ""),
        COMMIT_LABEL: tree.commit,
        CONTENT_TAG_LABEL: decision.content_tag,
        PIPELINE_LABEL: environment.get("CI_PIPELINE_URL", ""),
        INPUTS_LABEL: json.dumps(decision.inputs.summary, sort_keys=True, separators=(",", ":")),
    }
    bases = list(decision.inputs.bases.items())
    if bases:
        name, digest = bases[-1]
        found |= {f"{_OCI}.base.name": name, BASE_LABEL: digest}
    return {key: value for key, value in found.items() if value}
