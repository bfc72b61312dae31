"""Citizens are told over a gateway that fails and recovers; each notice once; replies rate the order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.audit import trail
from cti.casework.notice_replies import NoticeReplies, ReplyOutcome
from cti.casework.notice_store import NoticeState
from cti.casework.notices import Notices
from cti.casework.reply_marks import Doubt
from cti.database import open_engine
from cti.settings import NoticeSettings
from cti.signatures import DELIVERY, SIGNATURE, TIMESTAMP, verified
from orders.course_events import CitizenReplied, RedoOrdered
from orders.course_messages import CourseState
from orders.messages import LinkKind, OrderLinked
from orders.tables import orders
from tests.integration.test_answer_rounds import HOUR, NOON, NUMBER, World
from tests.support.casework import loop_over
from tests.support.loopback import LoopbackBlock
from tests.support.receiver import Receiver, receiver
from tests.support.web import Clock as Now

pytestmark = pytest.mark.integration


class Told(World):
    """The rounds, with a gateway."""

    gateway: Receiver

    @property
    def notices(self) -> Notices:
        return self.loop.citizens.notices

    @property
    def replies(self) -> NoticeReplies:
        return self.loop.citizens.replies

    async def look(self) -> list[str]:
        """Once around; the templates of what the gateway got by now."""
        await self.notices.look()
        return [str(one.told["template"]) for one in self.gateway.posted]


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def told(engine: AsyncEngine, loopback: LoopbackBlock, tmp_path: Path) -> AsyncIterator[Told]:
    now = Now(NOON)
    async with receiver(loopback.address()) as gateway:
        loop = loop_over(engine, tmp_path, clock=now, notices=NoticeSettings(url=gateway.url, deadline_s=5.0))
        told = Told(loop, now, engine)
        told.gateway = gateway
        await told.look()  # switched on: what was there before is not told of
        yield told
        await loop.citizens.notices.stop()


async def test_a_citizen_is_told_of_acceptance_and_answer_once(told: Told) -> None:
    await told.reviewed()
    assert await told.look() == ["accepted", "answered"]
    assert await told.look() == ["accepted", "answered"]
    first = told.gateway.posted[0]
    order = await told.loop.store.get("o1")
    assert first.told["number"] == NUMBER
    assert order.number in first.told["text"]
    assert told.loop.citizens.intake.code("o1") in first.told["text"]
    secret = told.notices._secret()
    assert verified(secret, first.body, first.headers[TIMESTAMP], first.headers[SIGNATURE], now=told.now())
    assert first.headers[DELIVERY] == "accepted:1:o1"


async def test_what_was_there_before_the_gateway_was_set_is_not_told(
    engine: AsyncEngine, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    now = Now(NOON)
    silent = World(loop_over(engine, tmp_path, clock=now), now, engine)
    await silent.reviewed("old")
    assert await silent.loop.citizens.notices.look() == (0, 0)
    async with receiver(loopback.address()) as gateway:
        loop = loop_over(engine, tmp_path, clock=now, notices=NoticeSettings(url=gateway.url))
        await loop.citizens.notices.look()
        await loop.citizens.notices.look()
        assert gateway.posted == []
        await loop.citizens.notices.stop()


async def test_a_gateway_that_fails_gets_it_again_later_under_the_same_id_and_growing_pauses(
    told: Told,
) -> None:
    told.gateway.status = 503
    await told.accepted("o1")
    for seconds in (0.0, 1.0, 3.0, 3.0):
        told.now.now += seconds
        await told.look()
    tried = [one.headers[DELIVERY] for one in told.gateway.posted]
    assert set(tried) == {"accepted:1:o1"}
    assert 2 <= len(tried) <= 3
    told.gateway.status = 200
    told.now.now += HOUR
    await told.look()
    (notice,) = (await told.notices.store.list(None, "o1", page=1, size=10)).notices
    assert (notice.state, notice.tries) == (NoticeState.SENT, len(tried) + 1)


async def test_what_is_refused_for_good_lies_with_the_undelivered_until_somebody_sends_it_again(
    told: Told, engine: AsyncEngine
) -> None:
    told.gateway.status = 422
    await told.accepted("o1")
    await told.look()
    page = await told.notices.store.list(NoticeState.DEAD, "", page=1, size=10)
    assert [one.status for one in page.notices] == ["answered 422"]
    told.gateway.status = 200
    assert await told.notices.store.again("accepted:1:o1", by="wang", reason="网关已恢复", now=told.now())
    await told.look()
    page = await told.notices.store.list(NoticeState.SENT, "", page=1, size=10)
    assert page.total == 1
    assert [line.who for line in await trail(engine, what=["notice_again"])] == ["wang"]


async def test_who_wants_to_be_written_to_is_asked_by_message_and_the_reply_rates(told: Told) -> None:
    await told.reviewed(contact_by="仅文字")
    await told.later(HOUR)
    assert await told.look() == ["accepted", "dispatched", "answered", "rate"]
    taken = await told.replies.take("r1", NUMBER, "1 路灯还是不亮")
    assert taken.order is not None
    course = await told.course()
    assert course.rating is not None
    assert (course.state, course.rating.result, course.rating.bad) == (CourseState.RATED, 1, True)
    again = await told.replies.take("r1", NUMBER, "1 路灯还是不亮")
    assert again.order is not None
    assert again.order.draft.version == taken.order.draft.version
    assert (await told.replies.take("r2", "13900000000", "5")).outcome is ReplyOutcome.NOBODYS


async def test_a_reply_that_is_no_rating_stands_in_the_trail_and_waits_for_a_person(
    told: Told, engine: AsyncEngine
) -> None:
    await told.reviewed()
    await told.look()
    for _ in range(2):  # the gateway sends it again
        taken = await told.replies.take("r1", NUMBER, "5天了没人来")
        assert (taken.outcome, taken.doubt) == (ReplyOutcome.KEPT, Doubt.UNCLEAR)
    assert (await told.course()).rating is None
    events = await told.loop.store.events("o1")
    assert [one.event.words for one in events if isinstance(one.event, CitizenReplied)] == ["5天了没人来"]
    (kept,) = (await told.replies.list(done=False, order_id="", page=1, size=10)).replies
    assert await told.replies.read(kept.reply_key, "已致电，师傅明天上门", by="li")
    assert not await told.replies.read(kept.reply_key, "再来一次", by="li")
    assert await told.replies.waiting() == 0
    (done,) = (await told.replies.list(done=True, order_id="o1", page=1, size=10)).replies
    assert (done.done_by, done.note) == ("li", "已致电，师傅明天上门")
    assert [line.who for line in await trail(engine, what=["reply_read"])] == ["li"]


async def test_a_mark_for_an_order_that_is_redone_meanwhile_is_read_by_a_person(told: Told) -> None:
    await told.reviewed()
    await told.look()
    await told.replies.take("r1", NUMBER, "1")
    await told.loop.store.apply("o1", RedoOrdered(reason="差评", clocks=(), by="system"))
    taken = await told.replies.take("r2", NUMBER, "1 还是没有来")
    assert (taken.outcome, taken.doubt) == (ReplyOutcome.KEPT, Doubt.TOO_LATE)


async def test_an_order_that_cannot_be_read_stops_no_other(told: Told, engine: AsyncEngine) -> None:
    await told.accepted("o1")
    await told.accepted("o2")
    async with engine.begin() as connection:
        await connection.execute(update(orders).where(orders.c.id == "o1").values(course_json="{broken"))
    assert await told.look() == ["accepted"]
    assert told.notices.skipped == 1
    await told.accepted("o3")
    told.gateway.status = 503
    await told.look()  # waits now
    async with engine.begin() as connection:
        await connection.execute(update(orders).where(orders.c.id == "o3").values(course_json="{broken"))
    told.gateway.status = 200
    told.now.now += HOUR
    await told.look()
    (dead,) = (await told.notices.store.list(NoticeState.DEAD, "", page=1, size=10)).notices
    assert (dead.order_id, dead.status) == ("o3", "the order cannot be read")


async def test_old_orders_and_those_from_before_the_gateway_are_not_told_of_what_happened_then(
    told: Told, engine: AsyncEngine, loopback: LoopbackBlock, tmp_path: Path
) -> None:
    await told.accepted("o1")
    told.now.now += 49 * HOUR  # nobody led for two days
    assert await told.look() == []
    await told.answered_again("o1")  # today's answer is news
    assert (await told.look())[-1] == "answered"
    assert "accepted" not in await told.look()


async def test_who_lets_a_notice_rest_says_why(told: Told, engine: AsyncEngine) -> None:
    told.gateway.status = 503
    await told.accepted("o1")
    await told.look()
    health = await told.notices.store.health(told.now())
    assert (health.waiting, health.failing, health.refusal) == (1, 1, "answered 503")
    assert await told.notices.store.close("accepted:1:o1", by="wang", reason="已当面告知", now=told.now())
    assert not await told.notices.store.close("accepted:1:o1", by="wang", reason="已当面告知", now=told.now())
    assert (await told.notices.store.health(told.now())).waiting == 0
    (line,) = await trail(engine, what=["notice_closed"])
    assert (line.who, line.detail) == ("wang", {"reason": "已当面告知"})


async def test_citizens_of_confidential_orders_and_without_a_number_are_not_told(told: Told) -> None:
    await told.accepted("o1", secrecy="保密")
    await told.accepted("o2", number="anonymous")
    assert await told.look() == []
    (dropped,) = (await told.notices.store.list(None, "", page=1, size=10)).notices
    assert (dropped.order_id, dropped.state) == ("o2", NoticeState.DROPPED)


async def test_one_answer_is_told_to_all_who_joined(told: Told) -> None:
    await told.accepted("o1")
    joined = OrderLinked(
        other="o7", kind=LinkKind.JOINED, agent="li", caller="13800005555", number="20261122000007"
    )
    await told.loop.store.apply("o1", joined)
    await told.answered_again("o1")
    assert await told.look() == ["accepted", "answered", "merged"]
    assert [one.told["number"] for one in told.gateway.posted] == [NUMBER, NUMBER, "13800005555"]
    assert "code" in told.gateway.posted[2].told["values"]
    own_code = told.loop.citizens.intake.code("o7")
    assert told.gateway.posted[2].told["values"]["code"] == own_code  # never the other citizen's


@pytest.mark.parametrize(
    ("own", "joined", "numbers"),
    [
        ("保密", "", ["13800005555"]),
        ("", "保密", [NUMBER, NUMBER]),
        ("", "匿名", [NUMBER, NUMBER, "13800005555"]),
    ],
)
async def test_each_citizen_is_told_by_what_they_asked_for_themselves(
    told: Told, own: str, joined: str, numbers: list[str]
) -> None:
    await told.accepted("o1", secrecy=own)
    link = OrderLinked(other="o7", kind=LinkKind.JOINED, agent="li", caller="13800005555", secrecy=joined)
    await told.loop.store.apply("o1", link)
    await told.answered_again("o1")
    await told.look()
    assert [one.told["number"] for one in told.gateway.posted] == numbers
