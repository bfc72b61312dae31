"""Seals (封存): the last hashes of all chains that changed, and how many there were, themselves in a chain.

A chain of hashes does not show that its last events were taken away, that it was written anew as a whole, or
that a whole order is gone. A seal holds the head (order, seq, hash) of each order that changed since the seal
before: every later state of the order must still have this hash at this seq.

digest = SHA-256 of the heads, one "order_id seq hash" a line, by order id; hash = SHA-256 of prev_hash, id,
at, by, orders, events, digest, each followed by a newline. Who can write to the whole database can write all
seals anew, too: so the newest hash belongs outside (docs/bulk.md).
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

__all__ = ["FIRST", "HEADS_MOST", "Head", "Seal", "SealUnreadable", "seal_hash", "sealed", "unpacked"]

FIRST = "0" * 64
HEADS_MOST = 20_000
"""Orders in one seal; what is more goes into the next one."""
_BYTES_MOST = HEADS_MOST * 200


class SealUnreadable(Exception):
    """What a seal holds is no list of heads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where an order's chain ended."""

    order_id: str  # whose
    seq: int  # its newest event
    hash: str  # of that event


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One seal, but for the heads themselves."""

    id: int  # 1 for the first
    at: float  # epoch seconds
    by: str  # login or "system"
    orders: int  # heads
    events: int  # events of theirs that were not sealed before
    digest: str  # of the heads
    prev_hash: str  # hash of the seal before
    hash: str  # its own


def seal_hash(seal: Seal) -> str:
    """Return what the seal's hash must be."""
    parts = (seal.prev_hash, seal.id, repr(seal.at), seal.by, seal.orders, seal.events, seal.digest)
    return hashlib.sha256("".join(f"{part}\n" for part in parts).encode()).hexdigest()


def sealed(
    before: Seal | None, heads: Sequence[Head], *, events: int, at: float, by: str
) -> tuple[Seal, bytes]:
    """Return the seal after `before` over these heads (by order id), and the heads as it keeps them."""
    text = _text(heads)
    seal = Seal(
        id=1 if before is None else before.id + 1,
        at=float(at),
        by=by,
        orders=len(heads),
        events=events,
        digest=hashlib.sha256(text).hexdigest(),
        prev_hash=FIRST if before is None else before.hash,
        hash="",
    )
    return replace(seal, hash=seal_hash(seal)), zlib.compress(text)


def unpacked(data: bytes) -> tuple[str, tuple[Head, ...]]:
    """Return the digest of the heads that a seal holds, and the heads. Raises SealUnreadable."""
    reader = zlib.decompressobj()
    try:
        text = reader.decompress(data, _BYTES_MOST)
        if reader.unconsumed_tail:
            raise SealUnreadable(f"a seal holds more than {_BYTES_MOST} bytes")
        return hashlib.sha256(text).hexdigest(), tuple(_heads(text.decode()))
    except (zlib.error, UnicodeDecodeError, ValueError) as error:
        raise SealUnreadable(str(error)) from None


def _heads(text: str) -> Iterator[Head]:
    for line in text.splitlines():
        order_id, seq, digest = line.rsplit(" ", 2)
        yield Head(order_id=order_id, seq=int(seq), hash=digest)


def _text(heads: Iterable[Head]) -> bytes:
    return "".join(f"{head.order_id} {head.seq} {head.hash}\n" for head in heads).encode()
