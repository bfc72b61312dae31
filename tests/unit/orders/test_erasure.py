"""Erased events make the same order as before, but for who the citizen was; and nobody can guess it back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from orders import chain
from orders.bulk import Lived, lived
from orders.chain_check import FaultKind, Stored, erased_rows, faults
from orders.course_events import CourseEvent
from orders.erasure import ERASED, What, erasing
from orders.messages import Channel, DraftOpened, FieldEdited, FieldSuggested, OrderEvent, OrderSubmitted
from orders.policy_file import PolicyError
from orders.rebuilt import rebuilt
from orders.retention import due, parse_retention, shipped_retention
from tests.support.courses import ANSWERED, DAY, closed, lives
from tests.support.lived_orders import in_turn

AT = 1000.0
FIELDS = {"type": "投诉", "category": "市容环境", "summary": "请打13812345678找王小明", "contact": "王小明"}


def life(*course: tuple[CourseEvent, float]) -> Lived:
    said = FieldSuggested(
        field="phone", value="13812345678", source="rule", confidence=0.9, quote="我的电话138"
    )
    events: list[OrderEvent] = [
        DraftOpened(order_id="o1", call_id="c1", caller="13812345678", channel=Channel.PHONE),
        said,
        FieldEdited(field="phone", value="13900000000", agent="chen"),
        FieldEdited(field="phone", value="13911111111", agent="chen"),
        *(FieldEdited(field=name, value=value, agent="chen") for name, value in FIELDS.items()),
        OrderSubmitted(agent="chen"),
    ]
    steps: list[tuple[OrderEvent, float]] = [(event, AT) for event in events]
    return lived("o1", [*steps, *course], event_id="e", number="20261122000001")


def stored(made: Lived) -> list[Stored]:
    names = chain.Link.__dataclass_fields__
    return [Stored(link=chain.Link(**{n: row[n] for n in names}), hash=row["hash"]) for row in made.rows]


def erased(rows: list[Stored], *what: What) -> list[Stored]:
    event, data = erasing(rows, what, rule="others", basis="法", by="system")
    after = [
        replace(row, link=replace(row.link, data=data[row.link.seq], salt=""))
        if row.link.seq in data
        else row
        for row in rows
    ]
    link = chain.salted(
        chain.Link(
            order_id="o1", seq=len(rows) + 1, event_id="x", at=AT, kind=chain.kind_of(event),
            data=chain.encode(event), actor="system", prev_hash=rows[-1].hash,
        )
    )  # fmt: skip
    return [*after, Stored(link=link, hash=chain.digest(link))]


def test_two_numbers_that_are_both_gone_still_count_as_two_changes() -> None:
    rows = stored(life())
    order = rebuilt(erased(rows, What.PERSON))
    assert order.draft.version == len(rows) + 1
    assert order.draft.fields["phone"].value == order.draft.fields["contact"].value == order.caller == ERASED
    assert order.draft.fields["summary"].value == f"请打{ERASED}找{ERASED}"
    assert order.number == "20261122000001"


@given(course=lives())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_the_life_the_erased_order_is_where_it_was_and_its_chain_holds(
    course: tuple[tuple[CourseEvent, float], ...],
) -> None:
    made = life(*course)
    rows = erased(erased(stored(made), What.PERSON), What.WORDS)
    assert faults(rows) == ()
    after = rebuilt(rows)
    was, now = made.order.draft.course, after.draft.course
    assert was is not None
    assert now is not None
    assert (now.state, now.lead, now.round, now.clocks) == (was.state, was.lead, was.round, was.clocks)
    whole = "".join(row.link.data for row in rows)
    assert not [secret for secret in ("13812345678", "13900000000", "王小明", "按规定") if secret in whole]


def test_without_its_salt_a_hash_does_not_tell_which_number_it_was() -> None:
    rows = stored(life())
    after = erased(rows, What.PERSON)[2].link
    guess = chain.encode(FieldEdited(field="phone", value="13900000000", agent="chen"))
    assert chain.digest(replace(after, data=guess)) == rows[2].hash  # data is not in the hash itself,
    assert after.salt == ""
    assert chain.commitment("", guess) != after.data_hash  # and not to be tried without the salt
    assert chain.commitment(rows[2].link.salt, guess) == after.data_hash


def test_data_that_is_emptied_without_an_event_is_a_fault() -> None:
    rows = erased(stored(life()), What.PERSON)[:-1]
    assert {fault.kind for fault in faults(rows)} == {FaultKind.EMPTIED}
    assert erased_rows(rows) == {}


def test_rules_hold_by_type_secrecy_and_the_time_since_the_end() -> None:
    course = in_turn(*ANSWERED, closed("办完"), at=AT)
    order, policy = life(*course).order, shipped_retention()
    assert due(policy, order, gone=(), held=False, now=AT + 100 * DAY) is None
    wanted = due(policy, order, gone=("call",), held=False, now=AT + 1200 * DAY)
    assert wanted is not None
    assert (wanted.rule.id, wanted.what) == ("others", frozenset({"person"}))
    assert due(policy, order, gone=(), held=True, now=AT + 9999 * DAY) is None
    assert due(policy, life().order, gone=(), held=False, now=AT + 9999 * DAY) is None


@pytest.mark.parametrize(
    "text,remedy",
    [
        ("rules: [{id: a, title: t, basis: b, types: [吐槽]}]", "takes"),
        ("rules: [{id: a, title: t, basis: b}, {id: a, title: t, basis: b}]", "id of its own"),
        ("rules: [{id: a, title: t, basis: b, words: 10, person: 20}]", "goes first"),
        ("rules: [{id: a, title: t, basis: b, person: 0}]", "1"),
    ],
)
def test_wrong_rules_are_refused_whole_with_a_remedy(text: str, remedy: str) -> None:
    with pytest.raises(PolicyError, match=remedy):
        parse_retention(text.encode())
