"""What webhooks are told: the message and the JSON around it. Pure; where they are sent is a secret this never sees."""

from __future__ import annotations

import json
from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING

from mcci.config.model import Notice
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.config.model import Webhook

TEXT = "$service in $environment: $event, canary $version at $weight % (by $who)$because $job_url"
PAYLOAD = '{"text": "$text"}'
EMOJI = {
    Notice.STEP: ":arrow_up:",
    Notice.PROMOTE: ":white_check_mark:",
    Notice.ABORT: ":leftwards_arrow_with_hook:",
    Notice.FAIL: ":rotating_light:",
    Notice.HOLD: ":hourglass_flowing_sand:",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing that happened, and what the templates' names stand for."""

    notice: Notice
    names: Mapping[str, str]


def payload(webhook: Webhook, message: Message) -> str:
    """Return the JSON text for a webhook. Raises `UsageError` for a `payload` that gives no JSON."""
    names = {**message.names, "event": message.notice.value}
    names["because"] = f": {names['why']}" if names.get("why") else ""
    text = Template(webhook.text or f"{EMOJI[message.notice]} {TEXT}").safe_substitute(names).strip()
    escaped = {name: json.dumps(value)[1:-1] for name, value in {**names, "text": text}.items()}
    result = Template(webhook.payload or PAYLOAD).safe_substitute(escaped)
    try:
        json.loads(result)
    except ValueError as error:
        raise UsageError(
            f"notifications.{webhook.name}.payload gives no JSON ({error}). Names stand inside of quotes: "
            '{"text": "$text"}.'
        ) from error
    return result
