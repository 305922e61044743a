"""The promises that pipelines keep in every event, each proved in a file of its own, in the order they are told.

`docs/explanation/proofs.md` says how. A proof that is not in this table does not exist.
"""

from __future__ import annotations

from mcci.check.proofs import (
    canary_step_order,
    cluster_write_unlocked,
    environment_race,
    job_unreachable,
    merge_request_writes,
    needs_dangling,
    not_proved,
    production_unguarded,
    two_pipelines,
)
from mcci.check.rule import RuleModule

PROOFS: tuple[RuleModule, ...] = (
    needs_dangling,
    two_pipelines,
    merge_request_writes,
    production_unguarded,
    canary_step_order,
    cluster_write_unlocked,
    job_unreachable,
    environment_race,
    not_proved,
)
PROMISES = tuple(proof.RULE.id for proof in PROOFS if proof is not not_proved)
