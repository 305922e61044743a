"""The keywords of GitLab's configuration language, by where they may stand. https://docs.gitlab.com/ci/yaml/"""

from __future__ import annotations

GLOBAL_KEYWORDS = frozenset(
    (
        "default",
        "include",
        "stages",
        "variables",
        "workflow",
        "spec",
        "image",
        "services",
        "before_script",
        "after_script",
        "cache",
        "types",
    )
)

DEFAULT_KEYWORDS = frozenset(
    (
        "after_script",
        "artifacts",
        "before_script",
        "cache",
        "hooks",
        "id_tokens",
        "identity",
        "image",
        "interruptible",
        "retry",
        "services",
        "tags",
        "timeout",
    )
)

_PROCESSABLE = frozenset(
    (
        "stage",
        "only",
        "except",
        "rules",
        "variables",
        "inherit",
        "allow_failure",
        "when",
        "start_in",
        "needs",
        "extends",
        "resource_group",
        "environment",
        "parallel",
        "interruptible",
        "inputs",
    )
)

TRIGGER_JOB_KEYWORDS = _PROCESSABLE | {"trigger", "manual_confirmation"}

JOB_KEYWORDS = (
    _PROCESSABLE
    | DEFAULT_KEYWORDS
    | {
        "script",
        "run",
        "coverage",
        "dependencies",
        "release",
        "pages",
        "publish",
        "secrets",
        "dast_configuration",
        "manual_confirmation",
        "type",
    }
)
