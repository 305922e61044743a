"""The rules, one file each, in the order they run. A rule that is not in this table does not exist."""

from __future__ import annotations

from mcci.check.rule import RuleModule
from mcci.check.rules import (
    deployment_tier,
    duplicate_key,
    environment_printed,
    gitlab_schema,
    secret_in_arguments,
    secret_printed,
    secret_traced,
)

ALL: tuple[RuleModule, ...] = (
    gitlab_schema,
    duplicate_key,
    deployment_tier,
    secret_printed,
    secret_traced,
    environment_printed,
    secret_in_arguments,
)
