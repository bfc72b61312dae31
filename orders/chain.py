"""How events are written down, and the chain of hashes that shows when one was changed afterwards.

hash = SHA-256("2", prev_hash, order_id, seq, event_id, at, kind, data_hash, actor), each followed by a
newline, UTF-8; `at` as Python's shortest exact decimal; data_hash = SHA-256(salt, newline, data). The first
event's prev_hash is 64 zeros. Nobody can change, remove or insert an event without changing every hash after
it.

`salt` is 16 random bytes of the event's own. When personal data must go by law, `data` is replaced and `salt`
is thrown away: data_hash stays, so the chain still holds, and without the salt nobody can find a telephone
number by hashing all of them. A later `DataErased` in the same chain says who did it, under which rule, and
what stands there since (`standing`). Events from before there were salts have salt and data_hash "", and
their hash = SHA-256(prev_hash, order_id, seq, event_id, at, kind, data, actor): once erased, theirs cannot be
computed again, and whoever has it can try numbers against it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from types import MappingProxyType

import msgspec

from orders import course_events as course
from orders.lifecycle import ROBOT
from orders.messages import (
    AttachmentAdded,
    AttachmentRemoved,
    DataErased,
    DraftOpened,
    FieldEdited,
    FieldSuggested,
    MergeUndone,
    OrderDiscarded,
    OrderEvent,
    OrderLinked,
    OrderMerged,
    OrderSubmitted,
    OrderUnlinked,
    VisitRecorded,
)

FIRST = "0" * 64

KINDS = MappingProxyType(
    {
        "draft_opened": DraftOpened,
        "field_suggested": FieldSuggested,
        "field_edited": FieldEdited,
        "order_submitted": OrderSubmitted,
        "order_discarded": OrderDiscarded,
        "visit_recorded": VisitRecorded,
        "order_linked": OrderLinked,
        "order_unlinked": OrderUnlinked,
        "order_merged": OrderMerged,
        "merge_undone": MergeUndone,
        "data_erased": DataErased,
        "attachment_added": AttachmentAdded,
        "attachment_removed": AttachmentRemoved,
        "answered_directly": course.AnsweredDirectly,
        "order_dispatched": course.OrderDispatched,
        "joint_set": course.JointSet,
        "order_signed": course.OrderSigned,
        "contact_made": course.ContactMade,
        "work_noted": course.WorkNoted,
        "extension_asked": course.ExtensionAsked,
        "extension_ruled": course.ExtensionRuled,
        "order_returned": course.OrderReturned,
        "return_ruled": course.ReturnRuled,
        "dispute_raised": course.DisputeRaised,
        "dispute_ruled": course.DisputeRuled,
        "joint_answered": course.JointAnswered,
        "fed_back": course.FedBack,
        "feedback_reviewed": course.FeedbackReviewed,
        "visit_planned": course.VisitPlanned,
        "order_rated": course.OrderRated,
        "joined_rated": course.JoinedRated,
        "citizen_replied": course.CitizenReplied,
        "redo_ordered": course.RedoOrdered,
        "appeal_raised": course.AppealRaised,
        "appeal_ruled": course.AppealRuled,
        "followed_up": course.FollowedUp,
        "supervision_set": course.SupervisionSet,
        "clocks_set": course.ClocksSet,
        "clock_paused": course.ClockPaused,
        "clock_resumed": course.ClockResumed,
        "order_closed": course.OrderClosed,
        "order_archived": course.OrderArchived,
        "order_withdrawn": course.OrderWithdrawn,
        "course_merged": course.CourseMerged,
        "order_corrected": course.OrderCorrected,
    }
)
"""Name in the table -> class of the event."""

_NAMES = {cls: name for name, cls in KINDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One event as written down: the columns of `order_events` but the hash itself."""

    order_id: str  # whose
    seq: int  # 1 for the first
    event_id: str  # unique over all orders
    at: float  # epoch seconds
    kind: str  # a key of KINDS
    data: str  # canonical JSON
    actor: str  # login, "machine" or "call"
    prev_hash: str  # hash of the event before
    salt: str = ""  # hexadecimal; "" in old events, and where data was erased
    data_hash: str = ""  # `commitment` of salt and data as they were written, "" in old events


def kind_of(event: OrderEvent) -> str:
    """Return the event's name in the table."""
    return _NAMES[type(event)]


def actor_of(event: OrderEvent) -> str:
    """Return who did it: a login, "machine", "system", or "call" for the call that opened the draft."""
    if isinstance(event, VisitRecorded):
        return event.by.removeprefix("agent:") if event.by != ROBOT else "machine"
    if isinstance(event, DraftOpened):
        return "call"
    if isinstance(event, FieldSuggested):
        return "machine"
    by = course.CourseEvent | DataErased | AttachmentAdded | AttachmentRemoved
    return event.by if isinstance(event, by) else event.agent


def encode(event: OrderEvent, **more: str) -> str:
    """Return the event as canonical JSON (sorted keys), with `more` keys beside its fields."""
    return msgspec.json.encode({**msgspec.to_builtins(event), **more}, order="sorted").decode()


def decode(kind: str, data: str) -> OrderEvent:
    """Return the event written as `data`; keys that are not its fields are passed over.

    Raises:
        msgspec.ValidationError: `data` is not such an event, or there is no such kind.
    """
    cls = KINDS.get(kind)
    if cls is None:
        raise msgspec.ValidationError(f"no order event of kind {kind!r}; known: {', '.join(KINDS)}")
    return msgspec.json.decode(data, type=cls)


def digest(row: Link) -> str:
    """Return the hash of one event (see the top of this module)."""
    parts: tuple[object, ...]
    if row.data_hash:
        parts = ("2", row.prev_hash, row.order_id, row.seq, row.event_id, repr(row.at), row.kind,
                 row.data_hash, row.actor)  # fmt: skip
    else:
        parts = (row.prev_hash, row.order_id, row.seq, row.event_id, repr(row.at), row.kind, row.data,
                 row.actor)  # fmt: skip
    return _hash(parts)


def salted(row: Link) -> Link:
    """Return a new event with its salt and what is hashed in place of its data."""
    salt = secrets.token_hex(16)
    return replace(row, salt=salt, data_hash=commitment(salt, row.data))


def commitment(salt: str, data: str) -> str:
    """Return what stands for an event's data in its hash."""
    return hashlib.sha256(f"{salt}\n{data}".encode()).hexdigest()


def standing(row: Link) -> str:
    """Return the hash of an erased event as it stands now, which `DataErased` keeps."""
    return _hash(("erased", row.order_id, row.seq, row.event_id, repr(row.at), row.kind, row.data, row.actor))


def _hash(parts: tuple[object, ...]) -> str:
    return hashlib.sha256("".join(f"{part}\n" for part in parts).encode()).hexdigest()
