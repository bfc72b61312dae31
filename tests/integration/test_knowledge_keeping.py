"""Who keeps the knowledge base, in a real database: proposals, rulings, versions, what citizens may read."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from cti.casework.knowledge_keeper import KnowledgeKeeper, NotYours
from cti.casework.sights import Sights
from cti.database import migrate, open_engine
from cti.messages import Role
from cti.ports import Person
from orders.knowledge import Article
from orders.knowledge_care import CareReason
from orders.knowledge_list import ArticleFilter, ArticleState
from orders.knowledge_proposals import ProposalState, UnknownProposal
from orders.knowledge_store import KnowledgeStore, VersionMoved
from orders.unit_store import UnitStore
from orders.unit_table import Unit

pytestmark = pytest.mark.integration

NOON = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
CLERK = Person(login="wang", name="派单员", role=Role.CLERK)
OFFICER = Person(login="li", name="承办人", role=Role.UNIT, unit="市公安局")
CARD = Article(
    article_id="q1", question="居住证怎么办", answer="带身份证到派出所", unit="城东分局", public=True
)
OTHER = Article(article_id="q2", question="社保卡丢了", answer="到网点补办", unit="市人社局")


@pytest_asyncio.fixture
async def keeper(database_url: str) -> AsyncIterator[KnowledgeKeeper]:
    await migrate(database_url)
    engine = open_engine(database_url)
    units = UnitStore(engine)
    table = [
        Unit(name="市公安局"),
        Unit(name="城东分局", parent="市公安局", level="county"),
        Unit(name="市人社局"),
    ]
    await units.replace_units(table)
    await KnowledgeStore(engine, clock=lambda: NOON).put([CARD, OTHER], by="system")
    yield KnowledgeKeeper(engine, Sights(units), clock=lambda: NOON)
    await engine.dispose()


async def test_a_unit_sees_and_changes_the_articles_of_its_own_and_those_below_it(
    keeper: KnowledgeKeeper,
) -> None:
    page = await keeper.page(ArticleFilter(), OFFICER)
    assert [one.article.article_id for one in page.articles] == ["q1"]
    with pytest.raises(NotYours):
        await keeper.change(OTHER, base=1, reason="改", person=OFFICER)
    with pytest.raises(NotYours):  # nor is one's own given away, or another's taken
        await keeper.change(replace(OTHER, unit="市公安局"), base=1, reason="改", person=OFFICER)


async def test_what_a_unit_proposes_is_told_to_nobody_until_the_centre_approves(
    keeper: KnowledgeKeeper,
) -> None:
    made = await keeper.change(replace(CARD, answer="网上可办"), base=1, reason="政策更新", person=OFFICER)
    assert made.article is None and made.proposal is not None
    assert (await keeper.history("q1", CLERK))[0].article.answer == CARD.answer
    await keeper.rule(made.proposal.proposal_id, approved=True, ruling="", person=CLERK)
    newest, before = await keeper.history("q1", CLERK)
    assert (newest.article.answer, newest.article.version, newest.by) == ("网上可办", 2, "li")
    assert before.article.answer == CARD.answer


async def test_a_proposal_is_ruled_on_once_whoever_is_faster(keeper: KnowledgeKeeper) -> None:
    made = await keeper.change(replace(CARD, answer="网上可办"), base=1, reason="更新", person=OFFICER)
    assert made.proposal is not None
    ruled = [keeper.rule(made.proposal.proposal_id, approved=True, ruling="", person=CLERK) for _ in range(2)]
    results = await asyncio.gather(*ruled, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["Article", "UnknownProposal"]
    assert len(await keeper.history("q1", CLERK)) == 2
    with pytest.raises(UnknownProposal):
        await keeper.rule(made.proposal.proposal_id, approved=False, ruling="迟了", person=CLERK)


async def test_what_was_changed_meanwhile_is_not_overwritten(keeper: KnowledgeKeeper) -> None:
    made = await keeper.change(replace(CARD, answer="单位的写法"), base=1, reason="更新", person=OFFICER)
    await keeper.change(replace(CARD, answer="中心的写法"), base=1, reason="更正", person=CLERK)
    assert made.proposal is not None
    with pytest.raises(VersionMoved) as caught:
        await keeper.rule(made.proposal.proposal_id, approved=True, ruling="", person=CLERK)
    assert "第 2 版" in caught.value.shown
    assert (await keeper.history("q1", CLERK))[0].article.answer == "中心的写法"
    waiting = await keeper.proposals(ProposalState.WAITING, CLERK, page=1, size=20)
    assert waiting.total == 1  # still there, to be looked at


async def test_a_second_proposal_of_the_same_person_takes_the_place_of_the_first(
    keeper: KnowledgeKeeper,
) -> None:
    await keeper.change(replace(CARD, answer="一"), base=1, reason="更新", person=OFFICER)
    await keeper.change(replace(CARD, answer="二"), base=1, reason="更新", person=OFFICER)
    waiting = await keeper.proposals(ProposalState.WAITING, OFFICER, page=1, size=20)
    assert [one.article.answer for one in waiting.proposals] == ["二"]


async def test_citizens_read_what_is_public_and_valid_today(keeper: KnowledgeKeeper) -> None:
    assert [one.article_id for one in await keeper.public(["q2", "q1", "none"])] == ["q1"]
    await keeper.change(replace(CARD, withdrawn=True), base=1, reason="停用", person=CLERK)
    assert await keeper.public(["q1"]) == ()
    gone = await keeper.page(ArticleFilter(state=ArticleState.WITHDRAWN), CLERK)
    assert [one.article.article_id for one in gone.articles] == ["q1"]


@pytest.mark.parametrize("state", list(ArticleState))
async def test_every_article_is_in_one_state(keeper: KnowledgeKeeper, state: ArticleState) -> None:
    dates = {
        ArticleState.VALID: CARD,
        ArticleState.COMING: replace(CARD, valid_from="2026-12-01"),
        ArticleState.EXPIRED: replace(CARD, valid_until="2026-11-21"),
        ArticleState.WITHDRAWN: replace(CARD, withdrawn=True, valid_until="2026-11-21"),
    }
    await keeper.change(dates[state], base=1, reason="改", person=CLERK)
    found = [
        one
        for one in ArticleState
        if (await keeper.page(ArticleFilter(text="居住证", state=one), CLERK)).total
    ]
    assert found == [state]


async def test_a_unit_is_reminded_of_its_own_articles_only(keeper: KnowledgeKeeper) -> None:
    await keeper.change(replace(CARD, review_on="2026-11-01"), base=1, reason="定期复核", person=CLERK)
    await keeper.change(replace(OTHER, valid_until="2026-11-30"), base=1, reason="将失效", person=CLERK)
    assert [one.reason for one in await keeper.cares(OFFICER)] == [CareReason.REVIEW]
    assert [one.reason for one in await keeper.cares(CLERK)] == [CareReason.REVIEW, CareReason.EXPIRING]
