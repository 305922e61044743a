"""`retry`: how often GitLab starts a failed job again, and for which failures. https://docs.gitlab.com/ci/yaml/#retry"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mcci.findings import Position
from mcci.pipeline.document import List, Map
from mcci.pipeline.jobs import Retry

Report = Callable[[str, str, Position], None]

MAX_RETRIES = 2
# GitLab takes every reason for which a job can fail, more than https://docs.gitlab.com/ci/yaml/#retrywhen lists.
_REASONS = """
    always unknown_failure script_failure api_failure stuck_or_timeout_failure runner_system_failure
    missing_dependency_failure runner_unsupported stale_schedule job_execution_timeout archived_failure
    unmet_prerequisites scheduler_failure data_integrity_failure forward_deployment_failure
    protected_environment_failure pipeline_loop_detected invalid_bridge_trigger downstream_bridge_project_not_found
    upstream_bridge_project_not_found insufficient_bridge_permissions insufficient_upstream_permissions
    bridge_pipeline_is_child_pipeline downstream_pipeline_creation_failed secrets_provider_not_found
    reached_max_descendant_pipelines_depth reached_max_pipeline_hierarchy_size project_deleted user_blocked
    ci_quota_exceeded no_matching_runner trace_size_exceeded builds_disabled environment_creation_failure
    deployment_rejected ip_restriction_failure failed_outdated_deployment_job
    reached_downstream_pipeline_trigger_rate_limit job_token_expired duo_workflow_not_allowed
    runner_provisioning_failed runner_interrupted runner_external_dependency_failure
    stuck_pending_with_matching_runners stuck_pending_no_matching_runners no_updates_running no_updates_canceling
    server_timeout_running server_timeout_canceling
"""
REASONS = frozenset(_REASONS.split())


def read_retry(value: Any, holder: Map, owner: str, report: Report) -> Retry | None:
    """Return what `retry` says, or None (reported) when GitLab would refuse it."""
    settings = value if isinstance(value, Map) else None
    most = value if settings is None else settings.get("max")
    if settings is not None and most is None:
        most = MAX_RETRIES if len(settings) else 0
    if not isinstance(most, int) or isinstance(most, bool) or not 0 <= most <= MAX_RETRIES:
        report("retry", f"{owner}: retry should be 0, 1 or 2", holder.value_position("retry"))
        return None
    if settings is None:
        return Retry(max=most)
    mistakes = list(_mistakes(settings))
    for message, where in mistakes:
        report("retry", f"{owner}: {message}", where)
    if mistakes:
        return None
    codes = tuple(_items(settings, "exit_codes"))
    return Retry(max=most, when=tuple(_items(settings, "when")), exit_codes=codes)


def _mistakes(settings: Map) -> Iterator[tuple[str, Position]]:
    for key in settings:
        if key not in ("max", "when", "exit_codes"):
            yield f"retry has no keyword '{key}' (those it has: max, when, exit_codes)", settings.position(key)
    for reason in _items(settings, "when"):
        if not isinstance(reason, str) or reason not in REASONS:
            from difflib import get_close_matches

            near = get_close_matches(str(reason), REASONS, n=1)
            meant = f"; did you mean '{near[0]}'?" if near else ""
            yield f"retry:when has no reason {_shown(reason)}{meant}", settings.value_position("when")
    for code in _items(settings, "exit_codes"):
        if not isinstance(code, int) or isinstance(code, bool):
            where = settings.value_position("exit_codes")
            yield f"retry:exit_codes should be a whole number or a list of them, not {_shown(code)}", where


def _items(settings: Map, key: str) -> list[Any]:
    value = settings.get(key)
    return [] if value is None else list(value) if isinstance(value, List) else [value]


def _shown(value: Any) -> str:
    if isinstance(value, Map | List):
        return "a mapping" if isinstance(value, Map) else "a list"
    return f"'{str(value)[:100]}'"
