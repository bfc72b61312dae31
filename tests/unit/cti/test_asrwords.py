"""What `hotline asr adapt` learns from: the hotline's own tables, the city's taxonomy, files of texts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from asr.gazetteer_file import Entry, Kind
from asr.taxonomy import Taxonomy
from cti.asrwords import OwnWords, TextsRefused, material, own_words, read_texts
from cti.database import migrate, open_engine
from orders.knowledge import Article
from orders.knowledge_store import KnowledgeStore
from orders.messages import OrderField, OrderState
from orders.tables import orders
from orders.unit_store import UnitStore
from orders.unit_table import Unit


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    url = f"sqlite+aiosqlite:///{tmp_path}/hotline.sqlite"
    await migrate(url)
    engine = open_engine(url)
    yield engine
    await engine.dispose()


async def store(engine: AsyncEngine, order_id: str, state: OrderState, title: str, summary: str) -> None:
    row = dict.fromkeys((field.value for field in OrderField), "")
    row |= {"title": title, "summary": summary}
    async with engine.begin() as connection:
        await connection.execute(
            insert(orders).values(
                id=order_id, call_id=order_id, caller="", state=state.value, agent="li", created_at=1.0,
                updated_at=1.0, closed_at=None, reason="", version=1, fields_json="{}", **row,
            )
        )  # fmt: skip


async def test_submitted_orders_are_learnt_from_and_drafts_are_not(engine: AsyncEngine) -> None:
    await store(engine, "a", OrderState.ACCEPTED, "反映停水", "枫林苑昨天开始停水")
    await store(engine, "b", OrderState.DRAFT, "半句话", "还没有写完")
    own = await own_words(engine)
    assert own.texts == ("枫林苑昨天开始停水",)
    assert own.titles == ("反映停水",)


async def test_every_wording_of_a_knowledge_article_is_learnt_as_a_title_and_as_a_sentence(
    engine: AsyncEngine,
) -> None:
    article = Article(
        article_id="1", question="社保卡丢了怎么补办", variants=("市民卡挂失在哪里办",), answer="到窗口"
    )
    await KnowledgeStore(engine).put([article], by="li")
    learnt = material((), await own_words(engine))
    for wording in ("社保卡丢了怎么补办", "市民卡挂失在哪里办"):
        assert wording in learnt.words.titles
        assert wording in learnt.phrases


async def test_the_citys_own_units_stand_in_place_of_the_shipped_ones(engine: AsyncEngine) -> None:
    shipped = material((), await own_words(engine)).words.units
    await UnitStore(engine).replace_units([Unit(name="澜江水务集团", also=("自来水公司",))])
    assert material((), await own_words(engine)).words.units == ("澜江水务集团", "自来水公司")
    assert len(shipped) > 10
    assert not any("{" in name for name in shipped)


def test_names_of_the_citys_own_taxonomy_are_learnt() -> None:
    taxonomy = Taxonomy.of([("row 1", ("轨道交通", "盾构施工扰民"), ("地铁打洞",))])
    categories = material((), OwnWords(), taxonomy=taxonomy).words.categories
    assert {"轨道交通", "盾构施工扰民", "地铁打洞"} <= set(categories)


def test_names_of_the_gazetteer_go_along() -> None:
    entry = Entry(name="枫林苑", kind=Kind.ESTATE)
    assert material((entry,)).entries == (entry,)


def test_texts_are_lines_or_json_objects_of_which_the_spoken_parts_are_read(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text(
        '路灯不亮\n\n{"id": 7, "title": "反映停水", "body": "没有水", "level1": "供水"}\n', "utf-8"
    )
    assert read_texts(file) == ("路灯不亮", "反映停水", "没有水")


@pytest.mark.parametrize(
    ("content", "wrong"), [(b'{"text": "a"\n', "line 1 is no JSON object"), (b"\xff\xfe", "cannot be read")]
)
def test_a_file_of_texts_that_is_not_as_described_is_refused(
    tmp_path: Path, content: bytes, wrong: str
) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_bytes(content)
    with pytest.raises(TextsRefused, match=wrong):
        read_texts(file)
    with pytest.raises(TextsRefused, match="cannot be read"):
        read_texts(tmp_path / "nothing.txt")
