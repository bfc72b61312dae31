"""The demo's agents have articles to look up."""

from __future__ import annotations

from pathlib import Path

from cti.database import migrate, open_engine
from cti.demo.articles import ensure_articles
from cti.settings import load
from orders.knowledge_store import KnowledgeStore


async def test_the_sample_is_there_once_however_often_the_demo_starts(tmp_path: Path) -> None:
    settings = load(instance="demo", environ={"HOTLINE_DATABASE_URL": f"sqlite:///{tmp_path / 'demo.db'}"})
    await migrate(settings.database)
    count = await ensure_articles(settings)
    assert await ensure_articles(settings) == count > 0
    engine = open_engine(settings.database)
    known = await KnowledgeStore(engine).all()
    await engine.dispose()
    assert len(known) == count
    assert {article.version for article in known} == {1}
