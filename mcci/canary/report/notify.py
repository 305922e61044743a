"""Tells the webhooks what became of a canary; one that does not take it is told of, and fails no job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.canary.report.notices import Message, payload
from mcci.clients import webhooks
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcci.canary.clusters.site import Site
    from mcci.canary.state import State
    from mcci.config.model import Notice, Webhook


def message(site: Site, state: State, notice: Notice, verdict: str, why: str) -> Message:
    """Return what happened, with what the templates' names stand for."""
    version = state.canary or state.stable
    names = {
        "service": site.service,
        "environment": site.environment,
        "version": version,
        "stable": state.stable,
        "weight": str(state.weights.get(version, 0)),
        "verdict": verdict,
        "why": why,
        "who": site.actor.who,
        "release": state.release,
        "job_url": site.actor.job_url,
        "pipeline_url": site.actor.pipeline_url,
    }
    return Message(notice=notice, names=names)


def tell(
    hooks: Mapping[str, Webhook], told: Message, environment: Mapping[str, str], log: Callable[[str], None]
) -> None:
    """Send a message to every webhook that wants it. What fails is logged, without the URL."""
    for webhook in hooks.values():
        if told.notice not in webhook.on:
            continue
        url = environment.get(webhook.url, "").strip()
        if not url:
            log(f"the webhook '{webhook.name}' was not told: the variable {webhook.url} is not set in this job.")
            continue
        try:
            webhooks.send(url, payload(webhook, told), webhook.name)
        except McciError as error:
            log(str(error))
