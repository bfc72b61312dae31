"""The draft of a live call: the machine fills, the agent decides, every change is journalled."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.messages import FieldSuggestion
from cti.control.orderdesk import OrderDesk, order_event
from cti.messages import Entry, EntryKind
from cti.ports import CommandRefused
from orders import lifecycle
from orders.messages import Draft, OrderState
from tests.support.control import World

CALLER = "13800000001"


def said(field: str, value: str, *, confidence: float = 0.8) -> FieldSuggestion:
    return FieldSuggestion(
        field=field,
        value=value,
        source="rule:test",
        confidence=confidence,
        audio_from=3.0,
        audio_to=4.5,
        quote=value,
    )


class Desk:
    """An order desk with one open draft, its journal, and a disk that can be slow."""

    def __init__(self) -> None:
        self.world = World()
        self.shown: list[Draft] = []
        self.on_disk = asyncio.Event()
        self.on_disk.set()
        self.desk = OrderDesk(self.world.calls, self._durable, self.shown.append, lambda: 1_800_000_000.0)
        self.order_id = self.desk.open("hl1-1800000000.1", CALLER).order_id

    async def _durable(self, entry: Entry) -> None:
        await self.on_disk.wait()

    @property
    def draft(self) -> Draft:
        draft = self.desk.find(self.order_id)
        assert draft is not None
        return draft

    def value(self, field: str) -> str | None:
        standing = self.draft.fields.get(field)
        return standing.value if standing else None

    def replayed(self) -> Draft | None:
        """The draft that the journal's entries make."""
        entries = [entry for entry in self.world.book.entries if entry.kind is EntryKind.ORDER]
        draft: Draft | None = None
        for entry in entries:  # as the store takes them from the journal: what changes nothing is not kept
            draft = lifecycle.apply(draft, order_event(entry)[1], entry.at)
        return draft

    def fill(self) -> None:
        for field, value in (
            ("type", "投诉"),
            ("category", "城乡建设/环境卫生"),
            ("summary", "垃圾无人清理"),
        ):
            self.desk.edit(self.order_id, field, value, "li")


def test_the_machine_fills_with_provenance_and_the_page_is_told() -> None:
    desk = Desk()
    desk.desk.suggest(desk.order_id, [said("type", "投诉")])
    field = desk.desk.view(desk.draft).fields["type"]
    assert (field.value, field.filler, field.source, field.quote) == ("投诉", "machine", "rule:test", "投诉")
    assert (field.audio_from, field.audio_to, field.confidence) == (3.0, 4.5, 0.8)
    assert desk.shown[-1] is desk.draft


def test_what_the_agent_typed_is_not_overwritten_only_commented() -> None:
    desk = Desk()
    desk.desk.edit(desk.order_id, "type", "求助", "li")
    desk.desk.suggest(desk.order_id, [said("type", "投诉")])
    field = desk.desk.view(desk.draft).fields["type"]
    assert (field.value, field.filler, field.suggestion) == ("求助", "agent", "投诉")


def test_a_field_that_the_agent_cleared_stays_clear() -> None:
    desk = Desk()
    desk.desk.suggest(desk.order_id, [said("place", "人民路")])
    desk.desk.edit(desk.order_id, "place", "", "li")
    desk.desk.suggest(desk.order_id, [said("place", "人民路")])
    assert desk.value("place") == ""


def test_what_the_machine_no_longer_says_is_withdrawn_but_never_the_callers_number() -> None:
    desk = Desk()
    desk.desk.suggest(desk.order_id, [said("type", "投诉"), said("place", "人民路")])
    desk.desk.suggest(desk.order_id, [said("place", "人民大道")])
    assert (desk.value("type"), desk.value("place"), desk.value("phone")) == (None, "人民大道", CALLER)


def test_the_same_suggestions_again_change_nothing() -> None:
    desk = Desk()
    desk.desk.suggest(desk.order_id, [said("type", "投诉")])
    version, entries = desk.draft.version, len(desk.world.book.entries)
    desk.desk.suggest(desk.order_id, [said("type", "投诉")])
    assert (desk.draft.version, len(desk.world.book.entries)) == (version, entries)


def test_a_suggestion_for_a_field_that_does_not_exist_keeps_no_other_away() -> None:
    desk = Desk()
    desk.desk.suggest(desk.order_id, [said("colour", "红"), said("type", "投诉")])
    assert desk.value("type") == "投诉"


async def test_a_submission_is_acknowledged_when_it_is_on_disk_and_not_before() -> None:
    desk = Desk()
    desk.fill()
    desk.on_disk.clear()
    submitting = asyncio.create_task(desk.desk.submit(desk.order_id, "li"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not submitting.done()
    desk.on_disk.set()
    await submitting
    assert desk.draft.state is OrderState.ACCEPTED


async def test_an_order_without_what_it_needs_is_refused_in_chinese_and_stays_a_draft() -> None:
    desk = Desk()
    with pytest.raises(CommandRefused, match="诉求类型"):
        await desk.desk.submit(desk.order_id, "li")
    assert desk.draft.state is OrderState.DRAFT


async def test_nothing_changes_an_order_that_was_submitted() -> None:
    desk = Desk()
    desk.fill()
    await desk.desk.submit(desk.order_id, "li")
    submitted = desk.draft
    desk.desk.suggest(desk.order_id, [said("type", "表扬")])
    for order_id in (desk.order_id, "no-such-order"):
        with pytest.raises(CommandRefused):
            desk.desk.edit(order_id, "type", "表扬", "li")
    with pytest.raises(CommandRefused):
        await desk.desk.submit(desk.order_id, "li")
    assert desk.draft is submitted


async def test_a_draft_can_be_given_up_with_a_reason() -> None:
    desk = Desk()
    await desk.desk.discard(desk.order_id, "li", "拨错号码")
    assert desk.draft.state is OrderState.DISCARDED


FIELDS = ("type", "place", "summary", "contact")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("agent"), st.sampled_from(FIELDS[1:]), st.sampled_from(["", "甲", "乙"])),
            st.tuples(
                st.just("machine"),
                st.lists(st.sampled_from(FIELDS[1:]), unique=True),
                st.sampled_from(["甲", "乙", "丙"]),
            ),
        ),
        max_size=25,
    )
)
def test_the_agents_last_word_stands_and_the_journal_makes_the_same_draft(
    steps: list[tuple[str, str | list[str], str]],
) -> None:
    desk = Desk()
    typed: dict[str, str] = {}
    for who, what, value in steps:
        if who == "agent" and isinstance(what, str):
            desk.desk.edit(desk.order_id, what, value, "li")
            typed[what] = value
        else:
            desk.desk.suggest(desk.order_id, [said(field, value) for field in what])
        assert {field: desk.value(field) for field in typed} == typed
    replayed = desk.replayed()
    assert replayed is not None
    assert (replayed.version, replayed.fields.keys()) == (desk.draft.version, desk.draft.fields.keys())
    assert [field.value for field in replayed.fields.values()] == [
        field.value for field in desk.draft.fields.values()
    ]


def test_an_edit_that_meets_another_agents_is_refused_until_it_was_seen() -> None:
    desk = Desk()
    seen = desk.draft.version
    desk.desk.edit(desk.order_id, "title", "路灯不亮", "wang", seen=seen)
    with pytest.raises(CommandRefused, match="标题"):
        desk.desk.edit(desk.order_id, "title", "路灯坏了", "chen", seen=seen)
    desk.desk.edit(desk.order_id, "place", "人民路", "chen", seen=seen)  # another field is nobody's business
    desk.desk.edit(desk.order_id, "title", "路灯坏了", "chen", seen=desk.draft.version)
    assert desk.value("title") == "路灯坏了"


def test_an_agents_own_edits_never_meet() -> None:
    desk = Desk()
    seen = desk.draft.version
    for typed in ("路", "路灯", "路灯不亮"):
        desk.desk.edit(desk.order_id, "title", typed, "chen", seen=seen)
    assert desk.value("title") == "路灯不亮"
