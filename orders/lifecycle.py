"""The order's life as a pure function: a draft and an event in, the next draft out.

Rules that hold for every sequence of events:

- What an agent typed stands until an agent changes it. A cleared field is also the agent's: it stays empty.
- The machine's latest differing value for an agent's field is kept beside it in `suggestion`.
- An empty suggestion withdraws the machine's value.
- An event that would change nothing returns the very same draft; it need not be stored. So a draft's
  `version` is the number of events that made it, and replaying those events makes it again.

After acceptance `Draft.course` goes through `orders.course`, each of whose events counts; one of them,
`OrderCorrected`, changes fields.

Edits by several agents merge when they touch different fields. `check_seen` refuses only an edit of a field
that *another agent* changed after the version the edit was based on; the machine never makes an edit stale.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from orders import course, course_answer, files, order_links
from orders.course_events import CourseEvent, CourseMerged, OrderCorrected
from orders.course_messages import Course, CourseState
from orders.course_table import ENDED
from orders.errors import CourseRefused, IllegalTransition, MissingFields, StaleVersion, ValueRefused
from orders.fields import REQUIRED, TITLES, check, check_text, looks_like_phone
from orders.messages import (
    AttachmentAdded,
    AttachmentRemoved,
    DataErased,
    Draft,
    DraftOpened,
    FieldEdited,
    FieldSuggested,
    FieldValue,
    Filler,
    LinkKind,
    MergeUndone,
    OrderDiscarded,
    OrderEvent,
    OrderField,
    OrderLinked,
    OrderMerged,
    OrderState,
    OrderSubmitted,
    OrderUnlinked,
    OrderVisit,
    VisitRecorded,
)
from orders.order_links import LinkEvent

CALLER_ID = "caller_id"
"""Source of the telephone number that nobody said: the number that called."""
CALLER_ID_CONFIDENCE = 0.6

MAX_ID = 80
MAX_LOGIN = 64
MAX_SOURCE = 200
MAX_QUOTE = 1000
MAX_REASON = 200
MAX_CALLER = 40
MAX_RULE = 60

ROBOT = "robot"
"""Who records a return visit without a person."""
AFTER_ACCEPTANCE = frozenset({OrderField.CONTACT_BY.value, OrderField.SECRECY.value})
"""About the citizen, not about the matter: such a wish still counts when the order is accepted."""
_AGENT = "agent:"

_START = "none"
_TRANSITIONS: Mapping[tuple[str, type[OrderEvent]], OrderState] = MappingProxyType(
    {
        (_START, DraftOpened): OrderState.DRAFT,
        (OrderState.DRAFT, FieldSuggested): OrderState.DRAFT,
        (OrderState.DRAFT, FieldEdited): OrderState.DRAFT,
        (OrderState.DRAFT, OrderSubmitted): OrderState.ACCEPTED,
        (OrderState.DRAFT, OrderDiscarded): OrderState.DISCARDED,
        (OrderState.ACCEPTED, FieldSuggested): OrderState.ACCEPTED,  # of AFTER_ACCEPTANCE only
        (OrderState.ACCEPTED, VisitRecorded): OrderState.ACCEPTED,
        (OrderState.DRAFT, OrderLinked): OrderState.DRAFT,
        (OrderState.DRAFT, OrderUnlinked): OrderState.DRAFT,
        (OrderState.ACCEPTED, OrderLinked): OrderState.ACCEPTED,
        (OrderState.ACCEPTED, OrderUnlinked): OrderState.ACCEPTED,
        (OrderState.DRAFT, OrderMerged): OrderState.MERGED,
        (OrderState.MERGED, MergeUndone): OrderState.DRAFT,
        (OrderState.MERGED, OrderUnlinked): OrderState.MERGED,  # who joined it before is parted again
    }
)


def apply(draft: Draft | None, event: OrderEvent, at: float) -> Draft:
    """Return the draft after `event`, which happened at `at` (epoch seconds).

    `draft` is None only for `DraftOpened`. The result is `draft` itself when nothing changes.

    Raises:
        IllegalTransition: the event is not legal in the draft's state.
        UnknownField, FieldTooLong, ValueRefused: what the event carries may not stand on an order.
        MissingFields: submitting without the fields in `orders.fields.REQUIRED`.
        CourseRefused: a rule of the accepted order's course forbids it.
    """
    if isinstance(event, CourseEvent):
        return _advanced(draft, event, at)
    if isinstance(event, DataErased):
        return _erased(draft, event)
    if isinstance(event, AttachmentAdded | AttachmentRemoved):
        return _with_files(draft, event)
    state = _START if draft is None else draft.state
    following = _TRANSITIONS.get((state, type(event)))
    if following is None:
        raise IllegalTransition(state, type(event).__name__)
    if not math.isfinite(at):
        raise ValueRefused(
            f"time of {type(event).__name__} is {at}, expected epoch seconds", shown="时间无效"
        )
    if isinstance(event, DraftOpened):
        return _opened(event, at)
    if draft is None:
        raise IllegalTransition(state, type(event).__name__)
    if isinstance(event, FieldSuggested):
        if state is OrderState.ACCEPTED and event.field not in AFTER_ACCEPTANCE:
            raise IllegalTransition(state, type(event).__name__)
        return _suggested(draft, event, at)
    if isinstance(event, FieldEdited):
        return _edited(draft, event, at)
    if isinstance(event, VisitRecorded):
        return _visited(draft, event, at)
    if isinstance(event, MergeUndone) and draft.course is not None:
        check_text("agent", event.agent, 1, MAX_LOGIN)
        return _on_course(draft, event, course.unmerged(draft.course, at), at)
    if isinstance(event, LinkEvent):
        check_text("agent", event.agent, 1, MAX_LOGIN)
        _check_takes_up(draft, event)
        links = order_links.after(draft, event, at)
        if links == draft.links:
            return draft
        at_work = draft.course
        if isinstance(event, OrderUnlinked) and at_work is not None:
            at_work = course_answer.parted(at_work, event.other)
        return replace(draft, version=draft.version + 1, state=following, links=links, course=at_work)
    if isinstance(event, OrderSubmitted):
        check_text("agent", event.agent, 1, MAX_LOGIN)
        missing = [field for field in REQUIRED if not value_of(draft, field).strip()]
        if missing:
            raise MissingFields(missing, [TITLES[field] for field in missing])
        return replace(draft, version=draft.version + 1, state=following, course=course.begun(at))
    check_text("agent", event.agent, 1, MAX_LOGIN)
    check_text("reason", event.reason.strip(), 1, MAX_REASON)
    return replace(draft, version=draft.version + 1, state=following)


def replay(events: Iterable[tuple[OrderEvent, float]]) -> Draft | None:
    """Return the draft that these (event, epoch seconds) make, None for no events; raises as `apply` does."""
    draft: Draft | None = None
    for event, at in events:
        draft = again(draft, event, at)
    return draft


def again(draft: Draft | None, event: OrderEvent, at: float) -> Draft:
    """Return the draft after an event that is stored; raises as `apply` does.

    What is stored changed something when it happened, and counts. Once personal data is erased, two values
    may be the same that were not.
    """
    after = apply(draft, event, at)
    return replace(after, version=after.version + 1) if after is draft else after


def check_seen(event: FieldEdited, *, seen: int, current: int, later: Iterable[OrderEvent]) -> None:
    """Let an edit based on version `seen` through unless another agent edited its field since.

    `later` are the order's events after version `seen`, `current` its version now.

    Raises:
        StaleVersion: another agent changed the same field in `later`.
        ValueRefused: `seen` is a version that does not exist yet.
    """
    if not 0 <= seen <= current:
        raise ValueRefused(f"version {seen} does not exist (now {current})", shown="版本号无效，请刷新")
    for other in later:
        if isinstance(other, FieldEdited) and other.field == event.field and other.agent != event.agent:
            raise StaleVersion(event.field, TITLES[OrderField(event.field)], seen, current)


def value_of(draft: Draft, field: OrderField) -> str:
    """Return what stands in `field`, "" when nothing does."""
    standing = draft.fields.get(field)
    return "" if standing is None else standing.value


def warnings(draft: Draft) -> tuple[str, ...]:
    """Return Chinese sentences about what looks wrong but does not stop the order."""
    phone = value_of(draft, OrderField.PHONE)
    if phone and not looks_like_phone(phone):
        return ("联系电话的格式不像电话号码，请核对",)
    return ()


def _check_provenance(event: FieldSuggested) -> None:
    check_text("source", event.source, 1, MAX_SOURCE)
    check_text("quote", event.quote, 0, MAX_QUOTE)
    if not 0.0 <= event.confidence <= 1.0:  # false for NaN, too
        raise ValueRefused(f"confidence is {event.confidence}, expected 0 to 1", shown="置信度无效")
    _check_seconds(event.audio_from, event.audio_to)


def _check_seconds(audio_from: float | None, audio_to: float | None) -> None:
    for name, seconds in (("audio_from", audio_from), ("audio_to", audio_to)):
        if seconds is not None and not math.isfinite(seconds):
            raise ValueRefused(
                f"{name} is {seconds}, expected seconds of the recording", shown="录音时间无效"
            )


def _opened(event: DraftOpened, at: float) -> Draft:
    check_text("order_id", event.order_id, 1, MAX_ID)
    check_text("call_id", event.call_id, 0, MAX_ID)
    check_text("caller", event.caller, 0, MAX_CALLER)
    fields: dict[str, FieldValue] = {}
    if looks_like_phone(event.caller):
        fields[OrderField.PHONE.value] = FieldValue(
            value=event.caller,
            filler=Filler.MACHINE,
            source=CALLER_ID,
            confidence=CALLER_ID_CONFIDENCE,
            at=at,
        )
    return Draft(
        order_id=event.order_id, call_id=event.call_id, version=1, fields=fields, channel=event.channel
    )


def _suggested(draft: Draft, event: FieldSuggested, at: float) -> Draft:
    field = check(event.field, event.value)
    _check_provenance(event)
    standing = draft.fields.get(field)
    if standing is not None and standing.filler is Filler.AGENT:
        suggestion = event.value if event.value and event.value != standing.value else None
        if suggestion == standing.suggestion:
            return draft
        return _with(draft, field, replace(standing, suggestion=suggestion))
    if not event.value:
        return draft if standing is None else _with(draft, field, None)
    value = FieldValue(
        value=event.value,
        filler=Filler.MACHINE,
        source=event.source,
        confidence=event.confidence,
        audio_from=event.audio_from,
        audio_to=event.audio_to,
        quote=event.quote,
        at=at,
    )
    if standing is not None and replace(value, at=standing.at) == standing:
        return draft
    return _with(draft, field, value)


def _edited(draft: Draft, event: FieldEdited, at: float) -> Draft:
    field = check(event.field, event.value)
    check_text("agent", event.agent, 1, MAX_LOGIN)
    standing = draft.fields.get(field)
    value = _typed(standing, event.value, event.agent, at)
    same = standing is not None and standing.filler is Filler.AGENT
    if standing is not None and same and (standing.value, standing.source) == (value.value, value.source):
        return draft
    return _with(draft, field, value)


def _typed(standing: FieldValue | None, value: str, login: str, at: float) -> FieldValue:
    """What a person typed in the place of what stood there."""
    machine: str | None = None
    if standing is not None:
        machine = standing.value if standing.filler is Filler.MACHINE else standing.suggestion
    return FieldValue(
        value=value,
        filler=Filler.AGENT,
        source=f"{_AGENT}{login}",
        confidence=1.0,
        at=at,
        suggestion=machine if machine != value else None,
    )


def _visited(draft: Draft, event: VisitRecorded, at: float) -> Draft:
    check_text("visit_id", event.visit_id, 1, MAX_ID)
    check_text("call_id", event.call_id, 0, MAX_ID)
    check_text("words", event.words, 0, MAX_QUOTE)
    if event.by != ROBOT:
        check_text(
            "agent", event.by.removeprefix(_AGENT) if event.by.startswith(_AGENT) else "", 1, MAX_LOGIN
        )
    for name, mark in (("satisfaction", event.satisfaction), ("service", event.service)):
        if mark is not None and mark not in range(1, 6):
            raise ValueRefused(f"{name} is {mark}, expected 1 to 5", shown="满意度只能是 1 到 5")
    if event.solved is None and event.satisfaction is None and event.service is None and not event.words:
        raise ValueRefused(
            "a visit without any answer is not recorded; give solved, satisfaction, service or words",
            shown="请填写是否解决或满意度",
        )
    _check_seconds(event.audio_from, event.audio_to)
    standing = draft.visit
    same = standing is not None and standing.visit_id == event.visit_id
    if standing is not None and same and event.by == ROBOT and standing.by != ROBOT:
        return draft  # people own the order
    visit = OrderVisit(
        visit_id=event.visit_id,
        call_id=event.call_id,
        by=event.by,
        solved=event.solved,
        satisfaction=event.satisfaction,
        service=event.service,
        words=event.words,
        audio_from=event.audio_from,
        audio_to=event.audio_to,
        at=at,
    )
    if standing is not None and replace(visit, at=standing.at) == standing:
        return draft
    return replace(draft, version=draft.version + 1, visit=visit)


def _erased(draft: Draft | None, event: DataErased) -> Draft:
    if draft is None:
        raise IllegalTransition(_START, type(event).__name__)
    check_text("rule", event.rule, 1, MAX_RULE)
    check_text("basis", event.basis, 1, MAX_REASON)
    check_text("by", event.by, 1, MAX_LOGIN)
    return replace(draft, version=draft.version + 1)


def _with_files(draft: Draft | None, event: AttachmentAdded | AttachmentRemoved) -> Draft:
    if draft is None:
        raise IllegalTransition(_START, type(event).__name__)
    files.check_event(event)
    if isinstance(event, AttachmentAdded) and not files.open_to_files(draft):
        raise ValueRefused("a file is added to an order that is over", shown="工单已结束归档，不能再添加附件")
    return replace(draft, version=draft.version + 1)


def _advanced(draft: Draft | None, event: CourseEvent, at: float) -> Draft:
    if draft is None or draft.course is None:
        raise IllegalTransition(_START if draft is None else draft.state, type(event).__name__)
    return _on_course(draft, event, course.advance(draft.course, event, at), at)


def _on_course(draft: Draft, event: CourseEvent | MergeUndone, after: Course, at: float) -> Draft:
    links = draft.links
    if isinstance(event, CourseMerged):
        link = OrderMerged(into=event.into, agent=event.by, number=event.number)
        links = order_links.after(draft, link, at)
    elif isinstance(event, MergeUndone):
        links = order_links.after(draft, event, at)
    fields = _corrected(draft, event, at) if isinstance(event, OrderCorrected) else draft.fields
    state = OrderState.MERGED if after.state is CourseState.MERGED else OrderState.ACCEPTED
    return replace(draft, version=draft.version + 1, state=state, fields=fields, links=links, course=after)


def _corrected(draft: Draft, event: OrderCorrected, at: float) -> Mapping[str, FieldValue]:
    fields = dict(draft.fields)
    for one in event.changes:
        fields[one.field] = _typed(fields.get(one.field), one.value, event.by, at)
    return fields


def _check_takes_up(draft: Draft, event: LinkEvent) -> None:
    """Let no citizen be added to an order on which nobody works any more."""
    joins = isinstance(event, OrderLinked) and event.kind is LinkKind.JOINED
    if joins and draft.course is not None and draft.course.state in ENDED:
        raise CourseRefused(
            "a citizen joins an order that is ended", shown="这张工单已结束，不能并入，请另立工单"
        )


def _with(draft: Draft, field: OrderField, value: FieldValue | None) -> Draft:
    fields = {name: standing for name, standing in draft.fields.items() if name != field}
    if value is not None:
        fields[field.value] = value
    return replace(draft, version=draft.version + 1, fields=fields)
