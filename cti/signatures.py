"""How what we post to other systems is signed: HMAC-SHA256 over the body, or over time and body."""

from __future__ import annotations

import hashlib
import hmac

__all__ = ["DELIVERY", "SIGNATURE", "TIMESTAMP", "signature", "verified"]

SIGNATURE = "X-Hotline-Signature"
DELIVERY = "X-Hotline-Delivery"
TIMESTAMP = "X-Hotline-Timestamp"
TOLERANCE_S = 300


def signature(secret: str, body: bytes, timestamp: int | None = None) -> str:
    """Return the value of the signature's header; with a time, `<time>.<body>` is what is signed."""
    signed = body if timestamp is None else b"%d." % timestamp + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def verified(secret: str, body: bytes, timestamp: str, given: str, *, now: float) -> bool:
    """Tell whether a post is ours and not older than five minutes, as a receiver does."""
    if not timestamp.isdecimal() or abs(now - int(timestamp)) > TOLERANCE_S:
        return False
    return hmac.compare_digest(signature(secret, body, int(timestamp)), given)
