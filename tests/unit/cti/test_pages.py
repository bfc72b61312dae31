"""Outboxes of pages: order, bounds, and a new snapshot for the slow."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cti.messages import AgentView, HealthView, Notice, QueuesView, Reply, Role, Snapshot
from cti.ports import Person
from cti.web.pages import OUTBOX_BYTES, OUTBOX_MESSAGES, Page, PageHub
from cti.web.socket import TokenBucket


def person(login: str = "zhang") -> Person:
    return Person(login=login, name="张三", role=Role.AGENT)


class Truth:
    """What a snapshot says: how many changes there were."""

    def __init__(self) -> None:
        self.changes = 0

    def __call__(self, who: Person) -> Snapshot:
        me = AgentView(
            agent_id=who.login, name=who.name, role=who.role, extension="", state="ready", since=self.changes
        )
        return Snapshot(me=me, health=HealthView(redis=True, database=True), queues=QueuesView(queues=()))


def notice(text: str) -> Notice:
    return Notice(level="info", text=text)


async def read(page: Page, truth: Truth) -> dict[str, Any]:
    text = await asyncio.wait_for(page.next(truth), 10)
    assert text is not None
    message: dict[str, Any] = msgspec.json.decode(text)
    return message


async def joined(hub: PageHub, login: str = "zhang", session: str = "s") -> Page:
    page = Page(person(login), session)
    hub.add(page)
    assert (await read(page, Truth()))["type"] == "snapshot"
    return page


async def test_changes_before_the_snapshot_are_in_it_and_not_sent_again() -> None:
    hub, truth = PageHub(), Truth()
    page = Page(person(), "s")
    hub.add(page)
    truth.changes = 1
    hub.broadcast(notice("1"))
    assert (await read(page, truth))["me"]["since"] == 1
    hub.broadcast(notice("2"))
    assert (await read(page, truth))["text"] == "2"


async def test_a_message_for_a_person_reaches_each_of_their_pages_once() -> None:
    hub = PageHub()
    first, second, other = await joined(hub), await joined(hub), await joined(hub, "li")
    hub.send(["zhang", "zhang", "nobody"], notice("x"))
    hub.broadcast(notice("y"))
    for page in (first, second):
        assert [(await read(page, Truth()))["text"] for _ in range(2)] == ["x", "y"]
    assert (await read(other, Truth()))["text"] == "y"


async def test_a_page_that_left_gets_nothing() -> None:
    hub = PageHub()
    page = await joined(hub)
    hub.remove(page)
    hub.remove(page)
    assert (len(hub), hub.has("zhang")) == (0, False)
    hub.broadcast(notice("x"))
    page.reply(Reply(ref="r", ok=True))
    assert (await read(page, Truth()))["type"] == "reply"


async def test_a_page_with_a_full_outbox_gets_a_snapshot_and_then_what_came_after() -> None:
    resyncs: list[int] = []
    hub, truth = PageHub(on_resync=lambda: resyncs.append(1)), Truth()
    page = await joined(hub)
    for number in range(OUTBOX_MESSAGES + 1):
        hub.broadcast(notice(str(number)))
    truth.changes = 7
    assert (await read(page, truth))["me"]["since"] == 7
    hub.broadcast(notice("after"))
    assert (await read(page, truth))["text"] == "after"
    assert (len(resyncs), page.resyncs) == (1, 1)


async def test_an_outbox_is_bounded_in_bytes_too() -> None:
    hub = PageHub()
    page = await joined(hub)
    for _ in range(3):
        hub.broadcast(notice("字" * (OUTBOX_BYTES // 12)))
        assert not page.needs_snapshot
    hub.broadcast(notice("字" * (OUTBOX_BYTES // 12)))
    assert page.needs_snapshot


async def test_a_reply_survives_the_loss_of_the_outbox() -> None:
    hub = PageHub()
    page = await joined(hub)
    page.reply(Reply(ref="mine", ok=True))
    for number in range(OUTBOX_MESSAGES + 5):
        hub.broadcast(notice(str(number)))
    assert [(await read(page, Truth()))["type"] for _ in range(2)] == ["snapshot", "reply"]


async def test_a_waiting_page_is_woken_to_be_closed_and_keeps_the_first_code() -> None:
    hub = PageHub()
    page = await joined(hub)
    waiting = asyncio.create_task(page.next(Truth()))
    await asyncio.sleep(0)
    hub.close_all(1012)
    hub.close_all(4401)
    assert await waiting is None
    assert page.close_code == 1012


async def test_a_resync_can_be_asked_for_some_people() -> None:
    hub = PageHub()
    page, other = await joined(hub), await joined(hub, "li")
    hub.resync(["zhang"])
    assert (page.needs_snapshot, other.needs_snapshot) == (True, False)


@given(st.lists(st.floats(min_value=0, max_value=3), max_size=200))
def test_a_bucket_never_lets_more_pass_than_burst_and_rate_allow(pauses: list[float]) -> None:
    bucket = TokenBucket(per_s=20.0, burst=60.0, at=0.0)
    now, passed = 0.0, 0
    for pause in pauses:
        now += pause
        passed += bucket.take(now)
        assert passed <= 60 + now * 20 + 1e-6
    assert passed >= min(len(pauses), 60)
