"""`python -m servicekit.probe`: a container's health check where the image has no curl. Exit code 0 when live."""

from __future__ import annotations

import http.client
import os
import sys


def main() -> int:
    """Ask the service in this container whether it lives."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8080")), timeout=2)
    try:
        connection.request("GET", "/healthz")
        return int(connection.getresponse().status != http.client.OK)
    except OSError:
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
