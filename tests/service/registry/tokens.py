"""A token service as registries send their users to: Basic in, a signed JWT out, for as long as the test says.

Source: https://distribution.github.io/distribution/spec/auth/jwt/ (the registry checks signature, audience and access)
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.service.registry.certificates import self_signed
from tests.service.registry.servers import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICE, ISSUER = "registry.tests", "tests"
REFRESH_TOKEN = "a refresh token"


class TokenService:
    """Issues tokens; `lifetime` is what they last in seconds, `told` what the answer says of it (None: nothing)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate, key = self_signed(folder)
        loaded = serialization.load_pem_private_key(key.read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        self.key = loaded
        self.lifetime = 300.0
        self.told: int | None = 300
        self.failures: list[int] = []  # statuses to answer the next requests with
        self.scopes: list[list[str]] = []
        self.url = ""

    def configuration(self) -> dict[str, Any]:
        """Return what the registry must know."""
        return {
            "realm": f"{self.url}/token", "service": SERVICE, "issuer": ISSUER,
            "rootcertbundle": str(self.certificate),
        }  # fmt: skip

    def token(self, subject: str, scopes: list[str]) -> str:
        """Return a signed token."""
        der = x509.load_pem_x509_certificate(self.certificate.read_bytes()).public_bytes(serialization.Encoding.DER)
        header = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(der).decode()]}
        now = time.time()
        # the registry grants a minute of leeway, so a token that has expired for it must be older than that
        claims = {
            "iss": ISSUER, "sub": subject, "aud": SERVICE, "jti": "1", "access": [_access(scope) for scope in scopes],
            "iat": int(now) - 600, "nbf": int(now) - 600, "exp": int(now + self.lifetime),
        }  # fmt: skip
        signed = f"{_encode(json.dumps(header).encode())}.{_encode(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _access(scope: str) -> dict[str, Any]:
    kind, name, actions = scope.split(":")
    return {"type": kind, "name": name, "actions": actions.split(",")}


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[TokenService]:
    """Run a token service."""
    service = TokenService(folder)

    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1

        def do_GET(self) -> None:
            if service.failures:
                self._answer(service.failures.pop(0), {})
                return
            wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            given = self.headers.get("Authorization")
            if given is not None and given != wanted:
                self._answer(401, {"details": "incorrect username or password"})
                return
            scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
            service.scopes.append(scopes)
            lasts = {} if service.told is None else {"expires_in": service.told}
            granted = scopes if given else [scope for scope in scopes if scope.endswith(":pull")]
            self._answer(200, {"token": service.token(USER if given else "", granted), **lasts})

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            if form.get("grant_type") != ["refresh_token"] or form.get("refresh_token") != [REFRESH_TOKEN]:
                self._answer(401, {"error": "invalid_grant"})
                return
            scopes = form["scope"][0].split()
            service.scopes.append(scopes)
            self._answer(200, {"access_token": service.token(USER, scopes)})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Be silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
