"""The mesh's ingress gateway, asked as a caller from outside would ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

TIMEOUT = 5.0  # seconds


def answers(url: str, gateway: str = "", headers: Mapping[str, str] | None = None, authority: str = "") -> str:
    """Return "" when `url` answers 2xx, else why not.

    With `gateway` (`HOST` or `HOST:PORT`) that address is asked, for the URL's host: by its name in TLS and in the
    request. `authority` is a file with certificates to trust besides the system's.
    """
    import httpx

    parts = urlsplit(url)
    target = urlunsplit(parts._replace(netloc=gateway)) if gateway else url
    asked = {**(headers or {}), **({"Host": parts.netloc} if gateway else {})}
    extensions = {"sni_hostname": parts.hostname} if gateway and parts.scheme == "https" else {}
    try:
        with httpx.Client(timeout=TIMEOUT, verify=_trust(authority), trust_env=not gateway) as client:
            status = client.get(target, headers=asked, extensions=extensions).status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return str(error) or type(error).__name__
    return "" if 200 <= status < 300 else f"HTTP {status}"


def _trust(authority: str) -> ssl.SSLContext:
    import ssl

    context = ssl.create_default_context()
    if authority:
        context.load_verify_locations(authority)
    return context
