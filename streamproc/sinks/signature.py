"""Sign a body so that its receiver can tell who sent it, and when.

Standard Webhooks: a secret `whsec_` + base64 of 24 to 64 bytes; the signature `v1` is the base64 of
the HMAC-SHA256 of id, timestamp and body. A receiver refuses an old timestamp, so that whoever has
seen a request cannot send it again later.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

PREFIX: Final = "whsec_"
MIN_KEY_BYTES: Final = 24
MAX_KEY_BYTES: Final = 64
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


def standard_key(secret: str) -> bytes | None:
    """Return the key of a Standard Webhooks secret; None: it is another secret.

    Raises
    ------
    ValueError
        If it has the prefix, and the rest is not base64 of 24 to 64 bytes.
    """
    if not secret.startswith(PREFIX):
        return None
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise ValueError(f"expected {PREFIX} and base64 of {MIN_KEY_BYTES}-{MAX_KEY_BYTES} bytes")
    return key


def standard_headers(key: bytes, message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """Return the three headers of Standard Webhooks.

    Examples
    --------
    >>> standard_headers(b"k" * 24, "a1", 1767600000, b"{}")["webhook-signature"]
    'v1,meUVqwyyVjyAm/F4znfQiso+yKKWtEGRQ4z7CNZ3lQE='
    """
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def message_id(alert_id: str) -> str:
    """Return an alert's id as it can stand in a header and in the signed text.

    Examples
    --------
    >>> message_id("5f0c9a7e21b84d36")
    '5f0c9a7e21b84d36'
    """
    if _PLAIN_ID.fullmatch(alert_id):
        return alert_id
    return hashlib.blake2b(alert_id.encode(errors="replace"), digest_size=16).hexdigest()
