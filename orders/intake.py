"""Matters that come without a call (网页、门户、小程序、信箱、转办), as events of an order. Pure.

What the citizen or the sending system filled in stands as theirs, like what an agent types: no machine
overwrites it. What the machine reads out of the text fills the other fields. Each order has a receipt number
(登记号) from the first moment; the 工单编号 comes when it is accepted.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orders import lifecycle
from orders.errors import OrderError, ValueRefused
from orders.fields import ANONYMOUS, check
from orders.messages import (
    AttachmentAdded,
    Channel,
    Draft,
    DraftOpened,
    FieldEdited,
    FieldSuggested,
    OrderEvent,
    OrderField,
    OrderSubmitted,
)

__all__ = [
    "OUTSIDE", "AlreadyTaken", "Matter", "code_of", "content_hash", "intake_events", "key_hash",
    "order_id_of", "receipt_of", "same_code",
]  # fmt: skip

OUTSIDE = (Channel.WEB, Channel.PORTAL, Channel.APP, Channel.MAILBOX, Channel.TRANSFER)
"""Ways by which matters come without a call."""
CODE_LENGTH = 8
_LETTERS = str.maketrans("01IO", "6789")
"""Letters of base32 that are mistaken for figures are read as others."""
_IDENTITY = frozenset({OrderField.PHONE.value, OrderField.CONTACT.value})


class AlreadyTaken(OrderError):
    """The matter was taken in before, under another request; `order_id` is its order."""

    def __init__(self, order_id: str) -> None:
        super().__init__("this external id belongs to another order", shown="这个外部编号已经登记过")
        self.order_id = order_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What somebody brings."""

    channel: Channel  # one of OUTSIDE
    fields: Mapping[str, str] = field(default_factory=dict)  # OrderField -> what they filled in
    system: str = ""  # which system it comes from, "" for people and the page
    external_id: str = ""  # its id there, "" for none
    submit: bool = False  # accepted at once; otherwise it waits for a clerk (待受理)
    attachments: tuple[str, ...] = ()  # ids of files that were sent before


def key_hash(who: str, key: str) -> str:
    """Return what stands for one request of one system, person or page."""
    return hashlib.sha256(f"{who}\n{key}".encode()).hexdigest()


def order_id_of(hashed: str) -> str:
    """Return the order that a request makes: the same each time it is made."""
    return f"i{hashed[:31]}"


def content_hash(matter: Matter) -> str:
    """Return what tells two requests with one key apart."""
    whole = hashlib.sha256()
    parts = [matter.channel.value, matter.system, matter.external_id, str(matter.submit)]
    parts += [part for name in sorted(matter.fields) for part in (name, matter.fields[name])]
    parts += [part for one in matter.attachments for part in ("", one)]  # no field is called ""
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()


def receipt_of(at: float, place: int, zone: datetime.tzinfo) -> str:
    """Return the 登记号 of the `place`-th matter of its day: W, the date, six digits or more."""
    return f"W{datetime.datetime.fromtimestamp(at, zone):%Y%m%d}{place:06d}"


def code_of(secret: str, order_id: str) -> str:
    """Return the code (查询码) with which a citizen asks for their own order: eight letters and figures."""
    digest = hmac.new(secret.encode(), f"query:{order_id}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode().translate(_LETTERS)[:CODE_LENGTH]


def same_code(secret: str, order_id: str, given: str) -> bool:
    """Tell whether this is the order's code; small letters and spaces do not matter."""
    cleaned = "".join(given.split()).upper().encode("utf-8", "replace")
    return hmac.compare_digest(code_of(secret, order_id).encode(), cleaned)


def intake_events(
    order_id: str,
    matter: Matter,
    *,
    by: str,
    read: Sequence[FieldSuggested],
    at: float,
    files: Sequence[AttachmentAdded] = (),
) -> tuple[OrderEvent, ...]:
    """Return the events that make the order; `read` is what the machine read, `files` came before it.

    Raises:
        OrderError: what is given may not stand on an order, or cannot be accepted as it is.
    """
    if matter.channel not in OUTSIDE:
        raise ValueRefused(
            f"channel {matter.channel} comes with a call; use one of {', '.join(OUTSIDE)}",
            shown="这个渠道不能直接登记工单",
        )
    given = {check(name, value).value: value for name, value in matter.fields.items() if value.strip()}
    if not given.get(OrderField.SUMMARY.value, "").strip():
        raise ValueRefused("no matter is written; fill in summary", shown="请填写诉求内容")
    hidden = _IDENTITY if given.get(OrderField.SECRECY.value) == ANONYMOUS else frozenset()
    events: list[OrderEvent] = [
        DraftOpened(order_id=order_id, call_id="", caller="", channel=matter.channel),
        *(FieldEdited(field=name, value=value, agent=by) for name, value in given.items()),
        *(one for one in read if one.field not in given and one.field not in hidden and one.value),
        *files,
    ]
    if matter.submit:
        events.append(OrderSubmitted(agent=by))
    draft: Draft | None = None
    for event in events:
        draft = lifecycle.apply(draft, event, at)
    return tuple(events)
