"""The notifications of `mcci.yml`: who is told by webhook what became of a canary."""

from __future__ import annotations

from dataclasses import dataclass

from mcci.config import forms
from mcci.config.choices import Notice
from mcci.config.keys import Marks, key, marks


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook, Slack-compatible unless `payload` says otherwise."""

    name: str = ""
    url: str = key(
        "The variable that holds the webhook's URL, which is a secret.",
        form=forms.VARIABLE,
        examples=("SLACK_WEBHOOK",),
    )
    on: tuple[Notice, ...] = key("What it is told of; by default all of it.", tuple(Notice), unique=True)
    text: str = key(
        "The message: $service, $environment, $version, $stable, $weight, $event, $verdict, $why, $who, $release, "
        "$job_url and $pipeline_url stand for what happened.",
        "",
        form=forms.TEMPLATE,
        examples=("$service in $environment: $event ($weight %): $why",),
    )
    payload: str = key(
        'The whole JSON that is sent, with the same names and $text in it, inside of quotes; by default {"text": '
        '"$text"}, as Slack and Mattermost take it.',
        "",
        form=forms.TEMPLATE,
    )
    marks: Marks = marks()
