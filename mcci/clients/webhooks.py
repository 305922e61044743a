"""Webhooks: one JSON document sent to a URL that is a secret, and so stands in no message."""

from __future__ import annotations

from mcci.errors import ServiceFailed

TIMEOUT = 10.0  # seconds, for one attempt
ATTEMPTS = 2


class WebhookFailed(ServiceFailed):
    """A webhook did not take its message."""


def send(url: str, payload: str, name: str) -> None:
    """Send `payload`, a JSON text, to `url`. Raises `WebhookFailed`, which calls the webhook by `name` alone."""
    import httpx

    why = ""
    for _ in range(ATTEMPTS):
        try:
            reply = httpx.post(
                url, content=payload.encode(), headers={"Content-Type": "application/json"}, timeout=TIMEOUT
            )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            why = type(error).__name__
            continue
        if reply.is_success:
            return
        why = f"HTTP {reply.status_code}"
        if reply.status_code < 500:
            break
    # not `from` the client's error, whose text has the URL
    raise WebhookFailed(f"the webhook '{name}' did not take its message ({why}). Check its URL.") from None
