"""四单: 交办单, 跟进单, 督办单 and 销号单, the documents that go with an order. Pure.

A document is not written by anybody: it is read from the order's events, as the order was when the event
happened. So it is the same whenever and wherever it is made, and nobody can change it afterwards without
breaking the chain; the beginning of the event's hash stands on it. Which events make one:

- 交办单: each dispatch, a ruling on a dispute, and each redo of an order that a unit has;
- 跟进单: each following up;
- 督办单: each time that the order is supervised, also when a bad rating alone lifted the level;
- 销号单: each closing.

What was corrected (更正) after a document came about stands at its end: who holds the paper sees what it says
no more, and why.

The serial number is made of the kind, the order's own number and the occurrence: 交办〔2026〕1122000123号,
the second one 交办〔2026〕1122000123-2号.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from cti.casework.document_sections import (
    CORRECTED,
    FILES,
    FREE_TEXTS,
    Section,
    close,
    corrections,
    dispatch,
    files,
    follow,
    head,
    matter,
    supervise,
)
from orders.course_events import (
    CourseEvent,
    DisputeRuled,
    FollowedUp,
    OrderClosed,
    OrderCorrected,
    OrderDispatched,
    RedoOrdered,
    SupervisionSet,
)
from orders.course_messages import Course, Supervision
from orders.course_titles import person_title
from orders.files import files_of
from orders.lifecycle import apply
from orders.messages import Draft, OrderEvent
from orders.records import Order, RecordedEvent

__all__ = ["DOCUMENTS", "Document", "DocumentKind", "covered", "documents_of", "serial_of"]

HASH_SHOWN = 16


class DocumentKind(StrEnum):
    """Which of the four."""

    DISPATCH = "dispatch"  # 交办单
    FOLLOW = "follow"  # 跟进单
    SUPERVISE = "supervise"  # 督办单
    CLOSE = "close"  # 销号单


K = DocumentKind
DOCUMENTS: Mapping[DocumentKind, str] = MappingProxyType(
    {K.DISPATCH: "交办单", K.FOLLOW: "跟进单", K.SUPERVISE: "督办单", K.CLOSE: "销号单"}
)
_WORDS: Mapping[DocumentKind, str] = MappingProxyType(
    {
        K.DISPATCH: "请主办单位在时限内签收，联系诉求人，依法依规办理，并反馈办理结果。不属于本单位职责的，"
        "在退单时限前写明理由退回；需要延长的，在到期前申请延期。",
        K.FOLLOW: "请承办单位按跟进要求推进，并及时登记办理情况。",
        K.SUPERVISE: "请责任单位负责人督促办理，说明原因，按期办结并反馈。",
        K.CLOSE: "以上诉求已按程序办理，予以销号。",
    }
)  # fmt: skip
_CONTENT = MappingProxyType({K.DISPATCH: dispatch, K.FOLLOW: follow, K.SUPERVISE: supervise, K.CLOSE: close})


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One of the four, whole."""

    kind: DocumentKind  # which
    n: int  # the first of its kind is 1
    title: str  # 交办单 …
    serial: str  # 交办〔2026〕1122000123号
    at: float  # when it came about, epoch seconds
    by: str  # who, fit to be shown
    to: str  # the unit it goes to, "" for none
    order_id: str  # of which order
    number: str  # 工单编号
    seq: int  # of the event that made it
    hash: str  # beginning of that event's hash in the chain
    sections: tuple[Section, ...]  # what it says
    words: str  # what is asked of who gets it


def serial_of(kind: DocumentKind, number: str, n: int) -> str:
    """Return the serial number of the `n`th document of a kind; `number` is the order's (YYYYMMDD…)."""
    again = f"-{n}" if n > 1 else ""
    return f"{DOCUMENTS[kind].removesuffix('单')}〔{number[:4]}〕{number[4:]}{again}号"


def documents_of(
    order: Order,
    events: Iterable[RecordedEvent],
    shown: Mapping[str, str] | None = None,
    *,
    who: Callable[[str], str] = person_title,
) -> tuple[Document, ...]:
    """Return the documents of an order, oldest first.

    `events` are all of the order's; `shown` are the values of its fields as the reader may see them (without,
    as they are); `who` names the person behind a login. Raises OrderError when the events are not those of an
    order.
    """
    found: list[Document] = []
    draft: Draft | None = None
    counted = dict.fromkeys(DocumentKind, 0)
    happened: list[OrderEvent] = []
    events = tuple(events)
    corrected = [one for one in events if isinstance(one.event, OrderCorrected)]
    for recorded in events:
        happened.append(recorded.event)
        before = draft
        draft = apply(draft, recorded.event, recorded.at)
        if before is None or before.course is None or draft.course is None:
            continue
        if not isinstance(recorded.event, CourseEvent):
            continue
        kind = _kind(recorded.event, before.course, draft.course)
        if kind is None:
            continue
        counted[kind] += 1
        fields = {name: one.value for name, one in draft.fields.items()} if shown is None else shown
        sections = (
            head(order, draft, fields),
            matter(fields),
            files(files_of(happened).values()),
            *_CONTENT[kind](recorded, before.course, draft.course),
            corrections(one for one in corrected if one.seq > recorded.seq),
        )
        found.append(
            Document(
                kind=kind,
                n=counted[kind],
                title=DOCUMENTS[kind],
                serial=serial_of(kind, order.number, counted[kind]),
                at=recorded.at,
                by=who(recorded.event.by),
                to=draft.course.lead,
                order_id=order.draft.order_id,
                number=order.number,
                seq=recorded.seq,
                hash=recorded.hash[:HASH_SHOWN],
                sections=tuple(section for section in sections if section.lines),
                words=_WORDS[kind],
            )
        )
    return tuple(found)


def covered(document: Document, cover: Callable[[str], str]) -> Document:
    """Return the document with what people wrote into it as `cover` shows it (names, numbers)."""
    sections = tuple(
        replace(
            section,
            lines=tuple(
                replace(line, text=cover(line.text))
                if line.title in FREE_TEXTS or section.title in (FILES, CORRECTED)
                else line
                for line in section.lines
            ),
        )
        for section in document.sections
    )
    return replace(document, sections=sections)


def _kind(event: CourseEvent, before: Course, after: Course) -> DocumentKind | None:
    if isinstance(event, OrderDispatched | DisputeRuled) or (isinstance(event, RedoOrdered) and after.lead):
        return K.DISPATCH
    if isinstance(event, FollowedUp):
        return K.FOLLOW
    if isinstance(event, OrderClosed):
        return K.CLOSE
    levels = tuple(Supervision)
    lifted = levels.index(after.supervision) > levels.index(before.supervision)
    set_now = isinstance(event, SupervisionSet) and event.level is not Supervision.NONE
    return K.SUPERVISE if lifted or set_now else None
