"""Outboxes of pages: order, numbers, bounds, a snapshot for the slow, what was missed for who comes back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.messages import AgentView, HealthView, Notice, QueuesView, Reply, Role, ServerMessage, Snapshot
from cti.ports import CommandRefused, Person
from cti.web import courier, pages
from cti.web.courier import BACKLOG_BYTES
from cti.web.page import KEPT_BYTES, KEPT_MESSAGES, tail_of, text_frame
from cti.web.pages import OUTBOX_BYTES, OUTBOX_MESSAGES, Page, PageHub
from cti.web.socket import TokenBucket
from tests.support.until import until


def person(login: str = "zhang") -> Person:
    return Person(login=login, name="张三", role=Role.AGENT)


def notice(text: str) -> Notice:
    return Notice(level="info", text=text)


class Truth:
    """What a snapshot says: how many changes there were."""

    def __init__(self) -> None:
        self.changes = 0
        self.fails = False

    def __call__(self, who: Person) -> Snapshot:
        if self.fails:
            raise KeyError("no such agent")
        me = AgentView(
            agent_id=who.login, name=who.name, role=who.role, extension="", state="ready", since=self.changes
        )
        return Snapshot(me=me, health=HealthView(redis=True, database=True), queues=QueuesView(queues=()))


@dataclass(eq=False, slots=True)
class FakeWire:
    """A connection that keeps what it was given; `stuck` bytes of it were not taken."""

    name: str = ""
    stuck: int = 0
    writes: int = 0
    code: int | None = None
    is_cut: bool = False
    told: list[dict[str, Any]] = field(default_factory=list)

    def write(self, data: bytes) -> None:
        self.writes += 1
        self.told.extend(msgspec.json.decode(text) for text in payloads(data))

    def backlog(self) -> int:
        return self.stuck

    def end(self, code: int) -> None:
        self.code = code

    def cut(self) -> None:
        self.is_cut = True

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.told]

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.told if message["type"] == "notice"]

    @property
    def numbers(self) -> list[int]:
        return [message["seq"] for message in self.told]


def payloads(data: bytes) -> list[bytes]:
    """Read whole unmasked text frames as RFC 6455 has them."""
    found, at = [], 0
    while at < len(data):
        assert data[at] == 0x81
        size, at = data[at + 1], at + 2
        if size == 126:
            size, at = int.from_bytes(data[at : at + 2]), at + 2
        elif size == 127:
            size, at = int.from_bytes(data[at : at + 8]), at + 8
        found.append(data[at : at + size])
        at += size
    return found


def hub_of(truth: Truth | None = None, resyncs: list[int] | None = None) -> PageHub:
    hub = PageHub(on_resync=lambda: resyncs.append(1) if resyncs is not None else None)
    hub.snapshots_from(truth or Truth())
    return hub


async def settled() -> None:
    """Let the courier do what it has been asked for."""
    for _ in range(20):
        await asyncio.sleep(0)


async def joined(hub: PageHub, login: str = "zhang", session: str = "s") -> tuple[Page, FakeWire]:
    page, wire = Page(person(login), session), FakeWire()
    hub.add(page, wire)
    await settled()
    assert wire.types == ["snapshot"]
    return page, wire


def resumed(
    hub: PageHub, page: Page, seq: int, *, login: str = "zhang", session: str = "s"
) -> FakeWire | None:
    """Let the page come back over a new connection; None when it is not known (any more)."""
    wire = FakeWire()
    found = hub.resume(page.page_id, seq, person=person(login), session=session, wire=wire)
    assert found in (None, page)
    return wire if found is page else None


@given(st.integers(1, 2**40), st.sampled_from([0, 90, 101, 110, 130, 65_400, 65_530, 70_000]))
def test_a_frame_holds_the_message_with_its_number_whatever_its_length(seq: int, length: int) -> None:
    message = notice("x" * length)
    (text,) = payloads(text_frame(seq, tail_of(message)))
    assert msgspec.json.decode(text) == {"seq": seq, **msgspec.to_builtins(message)}


async def test_changes_before_the_snapshot_are_in_it_and_not_sent_again() -> None:
    truth, wire = Truth(), FakeWire()
    hub = hub_of(truth)
    hub.add(Page(person(), "s"), wire)
    truth.changes = 1
    hub.broadcast(notice("1"))
    await settled()
    assert (wire.types, wire.told[0]["me"]["since"]) == (["snapshot"], 1)
    hub.broadcast(notice("2"))
    await settled()
    assert wire.texts == ["2"]


async def test_messages_are_numbered_one_by_one_on_each_page() -> None:
    hub = hub_of()
    _, first = await joined(hub)
    _, second = await joined(hub, "li")
    hub.send(["zhang"], notice("x"))
    hub.broadcast(notice("y"))
    await settled()
    hub.resync()
    await settled()
    assert (first.numbers, second.numbers) == ([1, 2, 3, 4], [1, 2, 3])


async def test_a_message_for_a_person_reaches_each_of_their_pages_once() -> None:
    hub = hub_of()
    wires = [(await joined(hub))[1], (await joined(hub))[1]]
    _, other = await joined(hub, "li")
    hub.send(["zhang", "zhang", "nobody"], notice("x"))
    hub.broadcast(notice("y"))
    await settled()
    assert [wire.texts for wire in wires] == [["x", "y"], ["x", "y"]]
    assert other.texts == ["y"]


async def test_what_gathers_in_one_turn_of_the_loop_goes_out_in_one_write() -> None:
    hub = hub_of()
    _, wire = await joined(hub)
    for number in range(5):
        hub.broadcast(notice(str(number)))
    await settled()
    assert (wire.texts, wire.writes) == (["0", "1", "2", "3", "4"], 2)


async def test_who_waits_for_an_answer_is_served_before_what_goes_to_everybody() -> None:
    order: list[str] = []

    class Watched(FakeWire):
        def write(self, data: bytes) -> None:
            order.append(self.name)

    hub = hub_of()
    joined_pages = [Page(person(name), "s") for name in ("a", "b", "c")]
    for page in joined_pages:
        hub.add(page, Watched(name=page.person.login))
    await settled()
    order.clear()
    hub.broadcast(notice("all"))
    joined_pages[2].reply(Reply(ref="r", ok=True))
    await settled()
    assert order == ["c", "a", "b"]


async def test_a_page_that_was_removed_gets_nothing() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    hub.remove(page)
    hub.remove(page)
    assert (len(hub), hub.has("zhang")) == (0, False)
    hub.broadcast(notice("x"))
    await settled()
    assert wire.texts == []


async def test_a_page_that_is_closed_and_removed_still_hears_its_code() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    page.close(4401)
    hub.remove(page)
    await settled()
    assert wire.code == 4401


async def test_a_closed_page_keeps_the_first_code() -> None:
    hub = hub_of()
    _, wire = await joined(hub)
    hub.close_all(1012)
    hub.close_all(4401)
    await settled()
    assert wire.code == 1012


async def test_a_snapshot_that_cannot_be_made_closes_the_page_with_1011() -> None:
    truth, wire = Truth(), FakeWire()
    hub = hub_of(truth)
    truth.fails = True
    hub.add(Page(person(), "s"), wire)
    await settled()
    assert (wire.told, wire.code) == ([], 1011)


# ---------------------------------------------------------------- slow pages


async def test_a_page_with_a_full_outbox_gets_a_snapshot_and_then_what_came_after() -> None:
    resyncs: list[int] = []
    truth = Truth()
    hub = hub_of(truth, resyncs)
    page, wire = await joined(hub)
    for number in range(OUTBOX_MESSAGES + 1):
        hub.broadcast(notice(str(number)))
    truth.changes = 7
    await settled()
    hub.broadcast(notice("after"))
    await settled()
    assert (wire.types, wire.told[1]["me"]["since"]) == (["snapshot", "snapshot", "notice"], 7)
    assert (len(resyncs), page.resyncs, wire.numbers) == (1, 1, [1, 2, 3])


async def test_a_connection_that_takes_nothing_is_left_alone_until_it_does() -> None:
    truth = Truth()
    hub = hub_of(truth)
    page, slow = await joined(hub)
    _, quick = await joined(hub, "li")
    slow.stuck = BACKLOG_BYTES + 1
    for number in range(2 * OUTBOX_MESSAGES):
        hub.broadcast(notice(str(number)))
        await settled()
    assert (len(quick.texts), slow.texts, hub.slow, page.resyncs) == (2 * OUTBOX_MESSAGES, [], 1, 1)
    truth.changes = 3
    slow.stuck = 0
    await until(lambda: len(slow.told) >= 2)
    assert (slow.types, slow.told[1]["me"]["since"], hub.slow) == (["snapshot", "snapshot"], 3, 0)


async def test_a_connection_that_never_takes_anything_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "STUCK_S", 0.0)
    hub = hub_of()
    page, wire = await joined(hub)
    wire.stuck = BACKLOG_BYTES + 1
    hub.broadcast(notice("x"))
    await until(lambda: wire.is_cut)
    assert (page.close_code, wire.code) == (4408, None)


async def test_an_outbox_is_bounded_in_bytes_too() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    wire.stuck = BACKLOG_BYTES + 1
    for _ in range(3):
        hub.broadcast(notice("字" * (OUTBOX_BYTES // 12)))
        assert not page.needs_snapshot
    hub.broadcast(notice("字" * (OUTBOX_BYTES // 12)))
    assert page.needs_snapshot


async def test_a_page_with_many_topics_is_bounded_like_any_other() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    hub.openings["floor"] = lambda _who, topic: [notice(f"{topic} opens")]
    hub.watch(page, [f"floor:{number}" for number in range(8)])
    wire.stuck = BACKLOG_BYTES + 1
    for number in range(4000):
        hub.tell(f"floor:{number % 8}", notice("字" * 100))
    assert page.held_bytes <= OUTBOX_BYTES + KEPT_BYTES
    wire.stuck = 0
    wire.told.clear()
    await until(lambda: len(wire.told) == 9)
    assert wire.types[0] == "snapshot"
    assert wire.texts == [f"floor:{number} opens" for number in range(8)]


async def test_a_page_may_not_watch_more_than_eight_topics() -> None:
    hub = hub_of()
    page, _ = await joined(hub)
    with pytest.raises(CommandRefused):
        hub.watch(page, [f"floor:{number}" for number in range(9)])


async def test_a_reply_survives_the_loss_of_the_outbox() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    page.reply(Reply(ref="mine", ok=True))
    for number in range(OUTBOX_MESSAGES + 5):
        hub.broadcast(notice(str(number)))
    await settled()
    assert wire.types == ["snapshot", "snapshot", "reply"]


async def test_after_a_resync_no_older_change_is_sent() -> None:
    hub = hub_of()
    _, wire = await joined(hub)
    hub.broadcast(notice("older than the snapshot"))
    hub.resync(["zhang"])
    await settled()
    assert wire.types == ["snapshot", "snapshot"]


async def test_a_resync_can_be_asked_for_some_people() -> None:
    hub = hub_of()
    (page, _), (other, _) = await joined(hub), await joined(hub, "li")
    hub.resync(["zhang"])
    assert (page.needs_snapshot, other.needs_snapshot) == (True, False)


# ---------------------------------------------------------------- coming back


async def test_a_page_that_comes_back_gets_exactly_what_it_missed() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    for text in ("1", "2", "lost on the way"):
        hub.broadcast(notice(text))
    await settled()
    hub.lost(page, wire)
    hub.broadcast(notice("while away"))
    assert not hub.has("zhang")
    again = resumed(hub, page, seq=3)
    await settled()
    assert again is not None
    assert (again.texts, again.numbers) == (["lost on the way", "while away"], [4, 5, 6])
    assert again.told[-1] == {"seq": 6, "type": "resumed", "page": page.page_id, "missed": 1}
    assert hub.has("zhang")


async def test_a_page_that_missed_nothing_is_told_that_it_is_back() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    hub.lost(page, wire)
    again = resumed(hub, page, seq=1)
    await settled()
    assert again is not None
    assert again.types == ["resumed"]


async def test_a_page_can_come_back_again_and_again_without_a_hole() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    seen: list[str] = []
    at = 1
    for round_ in range(5):
        hub.broadcast(notice(f"{round_} sent"))
        await settled()
        hub.lost(page, wire)
        hub.broadcast(notice(f"{round_} away"))
        again = resumed(hub, page, seq=at)
        assert again is not None
        await settled()
        assert again.numbers[0] == at + 1
        seen += again.texts
        at, wire = again.numbers[-1], again
    assert seen == [f"{round_} {what}" for round_ in range(5) for what in ("sent", "away")]


@pytest.mark.parametrize(("login", "session"), [("li", "s"), ("zhang", "another"), ("li", "another")])
async def test_nobody_gets_a_page_of_another_person_or_session(login: str, session: str) -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    hub.lost(page, wire)
    hub.send(["zhang"], notice("for zhang's eyes"))
    assert resumed(hub, page, seq=1, login=login, session=session) is None
    again = resumed(hub, page, seq=1)  # and its own person still can
    await settled()
    assert again is not None
    assert again.texts == ["for zhang's eyes"]


async def test_an_unknown_page_or_a_number_from_the_future_is_not_resumed() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    hub.lost(page, wire)
    assert hub.resume("nobody", 1, person=person(), session="s", wire=FakeWire()) is None
    assert resumed(hub, page, seq=2) is None


async def test_what_is_no_longer_kept_cannot_be_sent_again() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    for number in range(KEPT_MESSAGES + 1):
        hub.broadcast(notice(str(number)))
        await settled()
    hub.lost(page, wire)
    assert resumed(hub, page, seq=1) is None


async def test_what_a_page_has_seen_is_not_kept() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    for number in range(10):
        hub.broadcast(notice(str(number)))
    await settled()
    page.has_seen(11)
    assert page.held_bytes == 0
    hub.lost(page, wire)
    again = resumed(hub, page, seq=11)
    await settled()
    assert again is not None
    assert again.types == ["resumed"]


async def test_a_page_that_was_away_for_too_long_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "AWAY_S", 0.01)
    hub = hub_of()
    page, wire = await joined(hub)
    hub.lost(page, wire)
    await until(lambda: hub.away == 0)
    assert resumed(hub, page, seq=1) is None


async def test_a_page_away_for_which_too_much_gathers_is_forgotten() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    hub.lost(page, wire)
    for number in range(OUTBOX_MESSAGES + 1):
        hub.broadcast(notice(str(number)))
    assert hub.away == 0
    assert resumed(hub, page, seq=1) is None


async def test_pages_away_are_bounded_and_the_first_to_go_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "AWAY_PAGES", 2)
    hub = hub_of()
    gone = [await joined(hub) for _ in range(3)]
    for page, wire in gone:
        hub.lost(page, wire)
    assert hub.away == 2
    assert resumed(hub, gone[0][0], seq=1) is None
    assert resumed(hub, gone[2][0], seq=1) is not None


async def test_a_page_whose_person_changed_meanwhile_gets_a_snapshot_instead() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    hub.lost(page, wire)
    hub.update_person(Person(login="zhang", name="张三丰", role=Role.AGENT))
    assert resumed(hub, page, seq=1) is None


async def test_a_page_comes_back_before_anybody_noticed_that_its_connection_is_dead() -> None:
    hub = hub_of()
    page, dead = await joined(hub)
    hub.broadcast(notice("lost on the way"))
    await settled()
    again = resumed(hub, page, seq=1)
    await settled()
    assert again is not None
    assert (dead.code, again.texts) == (4409, ["lost on the way"])
    hub.lost(page, dead)  # noticed at last
    hub.broadcast(notice("still here"))
    await settled()
    assert again.texts[-1] == "still here"


async def test_a_page_that_was_told_to_close_does_not_come_back() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    page.close(4401)
    await settled()
    hub.lost(page, wire)
    assert (hub.away, resumed(hub, page, seq=1)) == (0, None)


async def test_what_a_page_away_watches_is_still_watched() -> None:
    hub = hub_of()
    page, wire = await joined(hub)
    opening: list[ServerMessage] = []
    hub.openings["floor"] = lambda _who, _topic: opening
    hub.watch(page, ["floor"])
    hub.lost(page, wire)
    assert hub.watched("floor")
    hub.tell("floor", notice("moved"))
    again = resumed(hub, page, seq=1)
    await settled()
    assert again is not None
    assert again.texts == ["moved"]


@given(st.lists(st.floats(min_value=0, max_value=3), max_size=200))
def test_a_bucket_never_lets_more_pass_than_burst_and_rate_allow(pauses: list[float]) -> None:
    bucket = TokenBucket(per_s=20.0, burst=60.0, at=0.0)
    now, passed = 0.0, 0
    for pause in pauses:
        now += pause
        passed += bucket.take(now)
        assert passed <= 60 + now * 20 + 1e-6
    assert passed >= min(len(pauses), 60)
