"""Who is at their desk: what call control hears when pages come and go."""

from __future__ import annotations

import asyncio

import pytest

from cti.messages import Role
from cti.ports import Person
from cti.sessions import Session
from cti.web.pages import Page, PageHub
from cti.web.presence import Presence
from tests.support.web import FakeFloor

ZHANG = Person(login="zhang", name="张三", role=Role.AGENT)


@pytest.fixture
def floor() -> FakeFloor:
    return FakeFloor()


def heard(floor: FakeFloor) -> list[str]:
    return [what for what, _ in floor.heard]


async def test_the_first_page_signs_in_and_the_second_says_nothing(floor: FakeFloor) -> None:
    presence = Presence(floor, grace_s=60.0)
    await presence.opened(ZHANG)
    await presence.opened(ZHANG)
    assert heard(floor) == ["opened"]
    await presence.stop()


async def test_a_page_that_comes_back_in_time_was_never_gone(floor: FakeFloor) -> None:
    presence = Presence(floor, grace_s=60.0)
    await presence.opened(ZHANG)
    presence.closed(ZHANG)
    await presence.opened(ZHANG)
    assert heard(floor) == ["opened"]
    await presence.stop()


async def test_after_the_grace_time_the_agent_is_lost_and_may_come_again(floor: FakeFloor) -> None:
    presence = Presence(floor, grace_s=0.0)
    await presence.opened(ZHANG)
    presence.closed(ZHANG)
    await floor.until("closed", "zhang")
    await presence.opened(ZHANG)
    assert heard(floor) == ["opened", "closed", "opened"]
    await presence.stop()


async def test_a_page_that_opens_while_the_agent_is_being_lost_waits_and_signs_in_again(
    floor: FakeFloor,
) -> None:
    losing, go_on = asyncio.Event(), asyncio.Event()

    class SlowFloor(FakeFloor):
        async def page_closed(self, person: Person) -> None:
            losing.set()
            await go_on.wait()
            await super().page_closed(person)

    slow = SlowFloor()
    presence = Presence(slow, grace_s=0.0)
    await presence.opened(ZHANG)
    presence.closed(ZHANG)
    await losing.wait()
    opening = asyncio.create_task(presence.opened(ZHANG))
    await asyncio.sleep(0)
    assert not opening.done()
    go_on.set()
    await opening
    assert heard(slow) == ["opened", "closed", "opened"]
    await presence.stop()


async def test_signing_out_is_told_at_once_and_the_closing_page_afterwards_is_not(floor: FakeFloor) -> None:
    presence = Presence(floor, grace_s=0.0)
    await presence.opened(ZHANG)
    await presence.signed_out(ZHANG)
    presence.closed(ZHANG)
    await asyncio.sleep(0.01)
    assert heard(floor) == ["opened", "signed_out"]


async def test_signing_out_of_one_session_leaves_the_other_at_work(floor: FakeFloor) -> None:
    presence, hub = Presence(floor, grace_s=60.0), PageHub()
    pages = [Page(ZHANG, session) for session in ("here", "there")]
    for page in pages:
        hub.add(page)
        await presence.opened(ZHANG)
    ended = Session(token_hash="here", person=ZHANG, created_at=0.0, seen_at=0.0)
    await presence.close_session(hub, ended, 4401)
    assert [page.close_code for page in pages] == [4401, None]
    assert heard(floor) == ["opened"]
    await presence.stop()


async def test_pages_that_close_because_the_server_stops_lose_nobody(floor: FakeFloor) -> None:
    presence = Presence(floor, grace_s=0.0)
    await presence.opened(ZHANG)
    await presence.stop()
    presence.closed(ZHANG)
    await asyncio.sleep(0.01)
    assert heard(floor) == ["opened"]


async def test_call_control_that_fails_to_take_a_loss_does_not_end_presence(floor: FakeFloor) -> None:
    class BrokenFloor(FakeFloor):
        async def page_closed(self, person: Person) -> None:
            self._note("tried", person)
            raise RuntimeError("boom")

    broken = BrokenFloor()
    presence = Presence(broken, grace_s=0.0)
    await presence.opened(ZHANG)
    presence.closed(ZHANG)
    await broken.until("tried", "zhang")
    await presence.opened(ZHANG)
    assert heard(broken) == ["opened", "tried", "opened"]
    await presence.stop()
