"""The order's life as a pure function: a draft and an event in, the next draft out.

Rules that hold for every sequence of events:

- What an agent typed stands until an agent changes it. A cleared field is also the agent's: it stays empty.
- The machine's latest differing value for an agent's field is kept beside it in `suggestion`.
- An empty suggestion withdraws the machine's value.
- An event that would change nothing returns the very same draft; it need not be stored. So a draft's
  `version` is the number of events that made it, and replaying those events makes it again.

Edits by several agents merge when they touch different fields. `check_seen` refuses only an edit of a field
that *another agent* changed after the version the edit was based on; the machine never makes an edit stale.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from orders.errors import IllegalTransition, MissingFields, StaleVersion, ValueRefused
from orders.fields import REQUIRED, TITLES, check, check_storable, looks_like_phone
from orders.messages import (
    Draft,
    DraftOpened,
    FieldEdited,
    FieldSuggested,
    FieldValue,
    Filler,
    OrderDiscarded,
    OrderEvent,
    OrderField,
    OrderState,
    OrderSubmitted,
    OrderVisit,
    VisitRecorded,
)

CALLER_ID = "caller_id"
"""Source of the telephone number that nobody said: the number that called."""
CALLER_ID_CONFIDENCE = 0.6

MAX_ID = 80
MAX_LOGIN = 64
MAX_SOURCE = 200
MAX_QUOTE = 1000
MAX_REASON = 200
MAX_CALLER = 40

ROBOT = "robot"
"""Who records a return visit without a person."""
_AGENT = "agent:"

_START = "none"
_TRANSITIONS: Mapping[tuple[str, type[OrderEvent]], OrderState] = MappingProxyType(
    {
        (_START, DraftOpened): OrderState.DRAFT,
        (OrderState.DRAFT, FieldSuggested): OrderState.DRAFT,
        (OrderState.DRAFT, FieldEdited): OrderState.DRAFT,
        (OrderState.DRAFT, OrderSubmitted): OrderState.ACCEPTED,
        (OrderState.DRAFT, OrderDiscarded): OrderState.DISCARDED,
        (OrderState.ACCEPTED, VisitRecorded): OrderState.ACCEPTED,
    }
)


def apply(draft: Draft | None, event: OrderEvent, at: float) -> Draft:
    """Return the draft after `event`, which happened at `at` (epoch seconds).

    `draft` is None only for `DraftOpened`. The result is `draft` itself when nothing changes.

    Raises:
        IllegalTransition: the event is not legal in the draft's state.
        UnknownField, FieldTooLong, ValueRefused: what the event carries may not stand on an order.
        MissingFields: submitting without the fields in `orders.fields.REQUIRED`.
    """
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
        return _suggested(draft, event, at)
    if isinstance(event, FieldEdited):
        return _edited(draft, event, at)
    if isinstance(event, VisitRecorded):
        return _visited(draft, event, at)
    if isinstance(event, OrderSubmitted):
        _check_text("agent", event.agent, 1, MAX_LOGIN)
        missing = [field for field in REQUIRED if not value_of(draft, field).strip()]
        if missing:
            raise MissingFields(missing, [TITLES[field] for field in missing])
    else:
        _check_text("agent", event.agent, 1, MAX_LOGIN)
        _check_text("reason", event.reason.strip(), 1, MAX_REASON)
    return replace(draft, version=draft.version + 1, state=following)


def replay(events: Iterable[tuple[OrderEvent, float]]) -> Draft | None:
    """Return the draft that these (event, epoch seconds) make, None for no events; raises as `apply` does."""
    draft: Draft | None = None
    for event, at in events:
        draft = apply(draft, event, at)
    return draft


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


def _check_text(name: str, value: str, least: int, most: int) -> None:
    if not least <= len(value) <= most:
        raise ValueRefused(
            f"{name} has {len(value)} characters, expected {least} to {most}",
            shown=f"内容长度应为 {least} 到 {most} 个字",
        )
    check_storable(name, value)


def _check_provenance(event: FieldSuggested) -> None:
    _check_text("source", event.source, 1, MAX_SOURCE)
    _check_text("quote", event.quote, 0, MAX_QUOTE)
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
    _check_text("order_id", event.order_id, 1, MAX_ID)
    _check_text("call_id", event.call_id, 0, MAX_ID)
    _check_text("caller", event.caller, 0, MAX_CALLER)
    fields: dict[str, FieldValue] = {}
    if looks_like_phone(event.caller):
        fields[OrderField.PHONE.value] = FieldValue(
            value=event.caller,
            filler=Filler.MACHINE,
            source=CALLER_ID,
            confidence=CALLER_ID_CONFIDENCE,
            at=at,
        )
    return Draft(order_id=event.order_id, call_id=event.call_id, version=1, fields=fields)


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
    _check_text("agent", event.agent, 1, MAX_LOGIN)
    standing = draft.fields.get(field)
    source = f"agent:{event.agent}"
    machine: str | None = None
    if standing is not None:
        if standing.filler is Filler.AGENT and standing.value == event.value and standing.source == source:
            return draft
        machine = standing.value if standing.filler is Filler.MACHINE else standing.suggestion
    value = FieldValue(
        value=event.value,
        filler=Filler.AGENT,
        source=source,
        confidence=1.0,
        at=at,
        suggestion=machine if machine != event.value else None,
    )
    return _with(draft, field, value)


def _visited(draft: Draft, event: VisitRecorded, at: float) -> Draft:
    _check_text("visit_id", event.visit_id, 1, MAX_ID)
    _check_text("call_id", event.call_id, 0, MAX_ID)
    _check_text("words", event.words, 0, MAX_QUOTE)
    if event.by != ROBOT:
        _check_text(
            "agent", event.by.removeprefix(_AGENT) if event.by.startswith(_AGENT) else "", 1, MAX_LOGIN
        )
    if event.satisfaction is not None and event.satisfaction not in range(1, 6):
        raise ValueRefused(
            f"satisfaction is {event.satisfaction}, expected 1 to 5", shown="满意度只能是 1 到 5"
        )
    if event.solved is None and event.satisfaction is None and not event.words:
        raise ValueRefused(
            "a visit without any answer is not recorded; give solved, satisfaction or words",
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
        words=event.words,
        audio_from=event.audio_from,
        audio_to=event.audio_to,
        at=at,
    )
    if standing is not None and replace(visit, at=standing.at) == standing:
        return draft
    return replace(draft, version=draft.version + 1, visit=visit)


def _with(draft: Draft, field: OrderField, value: FieldValue | None) -> Draft:
    fields = {name: standing for name, standing in draft.fields.items() if name != field}
    if value is not None:
        fields[field.value] = value
    return replace(draft, version=draft.version + 1, fields=fields)
