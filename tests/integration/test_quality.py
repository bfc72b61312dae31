"""Reviews of talks over a real database: picked, scored, appealed against, calibrated; and over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.calls import CallStore
from cti.database import open_engine
from cti.messages import Entry, EntryKind, Role
from cti.quality.documents import DocumentKind
from cti.quality.errors import QualityError, ReviewMoveError, ReviewStale, SheetError
from cti.quality.reviews import APPEAL_S, MoveKind, ReviewState
from cti.quality.rounds import Quality
from cti.quality.sheets import Marks
from cti.quality.store import ReviewFilter
from tests.support.loopback import LoopbackBlock
from tests.support.web import Clock, Site, open_site

pytestmark = pytest.mark.integration

NOON = 1_795_320_000.0
"""2026-11-22 12:00 in China."""
SHEET = "title: 评分\npassing: 80\nitems: [{key: manner, title: 态度, points: 10}]"
GOOD, POOR = Marks(points={"manner": 9}), Marks(points={"manner": 5})


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def quality(engine: AsyncEngine, clock: Clock) -> Quality:
    return Quality(engine, leads=lambda: True, clock=clock)


class Talks:
    """Writes calls into the journal's tables as the server would."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._store = CallStore(engine)
        self._count = 0

    async def had(
        self,
        call_id: str,
        agent: str,
        at: float,
        *lines: tuple[str, float, float, str],
        rating: int | None = None,
    ) -> str:
        """A talk of 60 s that began `at`; lines are speaker, start, end, text."""
        states: list[tuple[float, dict[str, Any]]] = [
            (
                at - 5,
                {"state": "waiting", "caller": "13800138000", "started": at - 5, "recording_started": at - 5},
            ),
            (at, {"state": "talking", "agent_id": agent}),
            (at + 60, {"state": "wrap_up", "agent_id": agent}),
            (at + 70, {"state": "ended", "outcome": "answered"}),
        ]
        entries = [self._entry(call_id, when, EntryKind.CALL_STATE, data) for when, data in states]
        for number, (speaker, start, end, text) in enumerate(lines):
            said = {
                "line_id": f"l{number}",
                "speaker": speaker,
                "start": start + 5,
                "end": end + 5,
                "text": text,
            }
            entries.append(self._entry(call_id, at + end, EntryKind.TRANSCRIPT, said))
        if rating is not None:
            entries.append(self._entry(call_id, at + 69, EntryKind.RATING, {"score": rating}))
        await self._store.write(entries)
        return call_id

    def _entry(self, call_id: str, at: float, kind: EntryKind, data: dict[str, Any]) -> Entry:
        self._count += 1
        return Entry(entry_id=f"{self._count:08}", call_id=call_id, at=at, kind=kind, data=data)


@pytest.fixture
def talks(engine: AsyncEngine) -> Talks:
    return Talks(engine)


TALKED = (("citizen", 0.0, 30.0, "路灯坏了"), ("agent", 30.0, 60.0, "好的，给您登记"))


async def picked(quality: Quality) -> dict[str, list[str]]:
    """Call -> rules by which it was picked."""
    page = await quality.reviews.list(ReviewFilter(size=100))
    return {one.call_id: [reason.rule for reason in one.reasons] for one in page.reviews}


async def test_a_talk_with_a_long_silence_is_picked_with_where_to_listen(
    quality: Quality, talks: Talks
) -> None:
    await talks.had("quiet", "li", NOON - 600, ("citizen", 0.0, 10.0, "你好"), ("agent", 50.0, 60.0, "再见"))
    await talks.had("lively", "li", NOON - 500, *TALKED)
    assert await quality.talks.look() == 1
    (review,) = (await quality.reviews.list(ReviewFilter())).reviews
    assert review.call_id == "quiet"
    assert next((one.rule, one.at) for one in review.reasons) == ("silence_longest_s", 15.0)


async def test_a_talk_the_citizen_rated_badly_is_picked(quality: Quality, talks: Talks) -> None:
    await talks.had("bad", "li", NOON - 600, *TALKED, rating=1)
    await talks.had("good", "li", NOON - 500, *TALKED, rating=5)
    await quality.talks.look()
    assert await picked(quality) == {"bad": ["satisfaction_most"]}


async def test_a_word_no_agent_should_say_is_found(quality: Quality, talks: Talks) -> None:
    await talks.had("rude", "li", NOON - 600, TALKED[0], ("agent", 30.0, 60.0, "这事不归我们管，你找别人"))
    await quality.talks.look()
    assert await picked(quality) == {"rude": ["forbidden"]}


async def test_looking_again_makes_no_second_review(quality: Quality, talks: Talks) -> None:
    await talks.had("bad", "li", NOON - 600, *TALKED, rating=1)
    assert [await quality.talks.look(), await quality.talks.look()] == [1, 0]


async def test_an_agent_is_not_overwhelmed_by_what_rules_find(quality: Quality, talks: Talks) -> None:
    for number in range(8):
        await talks.had(f"bad{number}", "li", NOON - 2000 + number * 100, *TALKED, rating=1)
    assert await quality.talks.look() == 5


async def test_one_talk_of_yesterday_is_drawn_for_each_agent(quality: Quality, talks: Talks) -> None:
    yesterday = NOON - 86_400
    for agent in ("li", "wang"):
        for number in range(4):
            await talks.had(f"{agent}{number}", agent, yesterday + number * 100, *TALKED)
    assert await quality.talks.look() == 2
    assert await quality.talks.look() == 0
    page = await quality.reviews.list(ReviewFilter())
    assert sorted(one.agent_id for one in page.reviews) == ["li", "wang"]


async def test_a_score_is_told_and_an_appeal_is_ruled_by_another(quality: Quality, talks: Talks) -> None:
    await quality.documents.publish(DocumentKind.SHEET, SHEET, who="zhao", reason="试行", base=0)
    await talks.had("c1", "li", NOON - 600, *TALKED)
    review = await quality.reviews.pick("c1", "li", by="zhao", why="市民来信表扬")
    for kind, by, marks in (
        (MoveKind.TAKE, "zhao", None),
        (MoveKind.SCORE, "zhao", POOR),
        (MoveKind.APPEAL, "li", None),
        (MoveKind.RULE, "qian", GOOD),
    ):
        review = await quality.reviews.move(
            review.review_id, kind, by=by, seen=review.version, marks=marks, words="已听录音"
        )
    assert (review.state, review.total, review.first_total) == (ReviewState.RULED, 90.0, 50.0)
    history = await quality.reviews.history(review.review_id)
    assert [one.kind for one in history] == ["take", "score", "appeal", "rule"]


async def test_a_ruling_is_by_the_sheet_of_the_score_though_a_newer_one_is_in_force(quality: Quality) -> None:
    await quality.documents.publish(DocumentKind.SHEET, SHEET, who="zhao", reason="试行", base=0)
    review = await quality.reviews.pick("c1", "li", by="zhao", why="试评")
    for kind, by in ((MoveKind.TAKE, "zhao"), (MoveKind.SCORE, "zhao"), (MoveKind.APPEAL, "li")):
        review = await quality.reviews.move(
            review.review_id,
            kind,
            by=by,
            seen=review.version,
            marks=POOR if kind == "score" else None,
            words="否",
        )
    other = SHEET.replace("points: 10", "points: 50")
    await quality.documents.publish(DocumentKind.SHEET, other, who="zhao", reason="改分值", base=1)
    ruled = await quality.reviews.move(
        review.review_id, MoveKind.RULE, by="qian", seen=review.version, marks=GOOD, words="改判"
    )
    assert (ruled.total, ruled.sheet) == (90.0, 1)


async def test_of_two_who_move_a_review_at_once_one_is_told_so(quality: Quality) -> None:
    review = await quality.reviews.pick("c1", "li", by="zhao", why="试评")
    await quality.reviews.move(review.review_id, MoveKind.TAKE, by="zhao", seen=1)
    with pytest.raises(ReviewStale):
        await quality.reviews.move(review.review_id, MoveKind.TAKE, by="qian", seen=1)


async def test_a_talk_is_reviewed_once(quality: Quality) -> None:
    await quality.reviews.pick("c1", "li", by="zhao", why="试评")
    with pytest.raises(QualityError, match="已在质检中"):
        await quality.reviews.pick("c1", "li", by="qian", why="再评")


async def test_a_score_nobody_appeals_against_stands_after_a_week(quality: Quality, clock: Clock) -> None:
    await quality.documents.publish(DocumentKind.SHEET, SHEET, who="zhao", reason="试行", base=0)
    review = await quality.reviews.pick("c1", "li", by="zhao", why="试评")
    review = await quality.reviews.move(review.review_id, MoveKind.TAKE, by="zhao", seen=1)
    await quality.reviews.move(review.review_id, MoveKind.SCORE, by="zhao", seen=2, marks=GOOD)
    clock.now += APPEAL_S - 1
    assert await quality.reviews.expire() == 0
    clock.now += 2
    assert await quality.reviews.expire() == 1
    assert (await quality.reviews.get(review.review_id)).state is ReviewState.ACCEPTED


async def test_a_sheet_that_cannot_be_used_does_not_come_into_force(quality: Quality) -> None:
    with pytest.raises(SheetError):
        await quality.documents.publish(DocumentKind.SHEET, "title: 1", who="zhao", reason="改", base=0)
    assert (await quality.documents.newest(DocumentKind.SHEET)).version == 0


async def test_of_two_who_change_a_sheet_the_second_is_told_so(quality: Quality) -> None:
    await quality.documents.publish(DocumentKind.SHEET, SHEET, who="zhao", reason="甲", base=0)
    with pytest.raises(ReviewStale):
        await quality.documents.publish(DocumentKind.SHEET, SHEET, who="qian", reason="乙", base=0)


async def test_reviewers_see_one_another_only_when_all_have_scored(quality: Quality) -> None:
    await quality.documents.publish(DocumentKind.SHEET, SHEET, who="zhao", reason="试行", base=0)
    begun = await quality.calibrations.begin("c1", "li", ["zhao", "qian"], by="zhao")
    mine = await quality.calibrations.score(begun.calibration_id, GOOD, by="zhao")
    assert (list(mine.marks), mine.agreement) == (["zhao"], None)
    theirs = await quality.calibrations.get(begun.calibration_id, "qian")
    assert (dict(theirs.marks), list(theirs.scored)) == ({}, ["zhao"])
    both = await quality.calibrations.score(begun.calibration_id, POOR, by="qian")
    assert both.agreement is not None
    assert both.agreement.spread == 40.0
    assert [one.reviewer for one in await quality.calibrations.biases()] == ["zhao", "qian"]


async def test_nobody_scores_a_calibration_twice_or_unasked(quality: Quality) -> None:
    await quality.documents.publish(DocumentKind.SHEET, SHEET, who="zhao", reason="试行", base=0)
    begun = await quality.calibrations.begin("c1", "li", ["zhao", "qian"], by="zhao")
    await quality.calibrations.score(begun.calibration_id, GOOD, by="zhao")
    with pytest.raises(ReviewMoveError, match="已经评过分"):
        await quality.calibrations.score(begun.calibration_id, POOR, by="zhao")
    with pytest.raises(ReviewMoveError, match="不在这次校准"):
        await quality.calibrations.score(begun.calibration_id, POOR, by="sun")


# ---------------------------------------------------------------- over HTTP


@pytest_asyncio.fixture
async def site(
    engine: AsyncEngine, tmp_path: Path, loopback: LoopbackBlock, clock: Clock
) -> AsyncIterator[Site]:
    async with open_site(engine, tmp_path, loopback.address(), clock=clock) as running:
        await running.add("li", extension="1001")
        await running.add("wang", extension="1002")
        await running.add("zhao", Role.SUPERVISOR)
        yield running


async def test_an_agent_learns_of_a_review_with_its_score_and_not_by_whom(site: Site) -> None:
    zhao, li, wang = await site.signed_in("zhao"), await site.signed_in("li"), await site.signed_in("wang")
    body = {"call_id": "c1", "agent": "li", "reason": "试评"}
    async with zhao.post("/api/reviews", json=body) as answer:
        assert answer.status == 201
        review_id = (await answer.json())["review_id"]
    async with li.get("/api/me/reviews") as answer:
        assert (await answer.json())["total"] == 0
    async with zhao.get(f"/api/reviews/{review_id}") as answer:
        sheet = (await answer.json())["sheet"]
    marks = {"points": {item["key"]: item["points"] for item in sheet["items"]}}
    moves: tuple[dict[str, Any], ...] = ({"kind": "take"}, {"kind": "score", "marks": marks})
    for seen, move in enumerate(moves, start=1):
        async with zhao.post(f"/api/reviews/{review_id}/moves", json={**move, "seen": seen}) as answer:
            assert answer.status == 200, await answer.text()
    async with li.get(f"/api/me/reviews/{review_id}") as answer:
        told = (await answer.json())["review"]
        assert (told["total"], told["reviewer"]) == (100.0, "")
    async with wang.get(f"/api/me/reviews/{review_id}") as answer:
        assert answer.status == 404
    async with li.post(f"/api/me/reviews/{review_id}/moves", json={"kind": "accept", "seen": 3}) as answer:
        assert (await answer.json())["state"] == "accepted"


async def test_an_agent_scores_nobody(site: Site) -> None:
    li = await site.signed_in("li")
    for method, path in (("GET", "/api/reviews"), ("POST", "/api/reviews"), ("GET", "/api/calibrations")):
        async with li.request(method, path) as answer:
            assert answer.status == 403


async def test_marks_that_do_not_fit_are_refused_with_the_item(site: Site) -> None:
    zhao = await site.signed_in("zhao")
    async with zhao.post("/api/reviews", json={"call_id": "c1", "agent": "li", "reason": "试评"}) as answer:
        review_id = (await answer.json())["review_id"]
    async with zhao.post(f"/api/reviews/{review_id}/moves", json={"kind": "take", "seen": 1}) as answer:
        assert answer.status == 200
    body = {"kind": "score", "seen": 2, "marks": {"points": {"greeting": 5}}}
    async with zhao.post(f"/api/reviews/{review_id}/moves", json=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["field"] == "politeness"
