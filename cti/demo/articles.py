"""What the demo's agents can look up: the sample articles."""

from __future__ import annotations

from pathlib import Path

import orders
from cti.database import open_engine
from cti.knowledgeadmin import import_articles
from cti.settings import Settings
from orders.knowledge_store import KnowledgeStore

SAMPLE = Path(orders.__file__).with_name("data") / "knowledge_sample.yaml"


async def ensure_articles(settings: Settings) -> int:
    """Put the sample articles into the demo's migrated database; return how many there are.

    Raises SQLAlchemyError when there is no database.
    """
    articles = import_articles(SAMPLE)
    engine = open_engine(settings.database)
    try:
        await KnowledgeStore(engine).put(articles, by="system")
    finally:
        await engine.dispose()
    return len(articles)
