"""in-toto statements in signed envelopes. Pure.

Sources: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md ,
https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcci.clients.signing import Signer, Verifier

PAYLOAD_TYPE = "application/vnd.in-toto+json"
ENVELOPE_TYPE = "application/vnd.dsse.envelope.v1+json"
STATEMENT = "https://in-toto.io/Statement/v1"


def statement(name: str, digest: str, predicate_type: str, predicate: dict[str, Any]) -> bytes:
    """Return a statement about the image `name` with `digest`."""
    algorithm, _, value = digest.partition(":")
    body = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {algorithm: value}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def encode(payload_type: str, payload: bytes) -> bytes:
    """Return what is signed: the pre-authentication encoding."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def envelope(payload: bytes, signer: Signer) -> bytes:
    """Return the statement `payload`, signed."""
    signature = base64.b64encode(signer.sign(encode(PAYLOAD_TYPE, payload))).decode()
    body = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"sig": signature}],
    }
    return json.dumps(body, separators=(",", ":")).encode()


def opened(data: bytes, verifier: Verifier) -> dict[str, Any] | None:
    """Return the statement in an envelope; None where no signature of it is by this key, or it is no envelope."""
    try:
        body = json.loads(data)
        payload = base64.b64decode(body["payload"], validate=True)
        signed = encode(body["payloadType"], payload)
        signatures = [base64.b64decode(each["sig"], validate=True) for each in body["signatures"]]
        if body["payloadType"] != PAYLOAD_TYPE or not any(verifier.accepts(signed, each) for each in signatures):
            return None
        found = json.loads(payload)
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, dict) else None
