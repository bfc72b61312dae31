"""`hotline knowledge`: import articles of the knowledge base, and look something up."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable
from pathlib import Path

from cti.database import migrate, open_engine
from cti.errors import HotlineError
from cti.settings import Settings
from cti.textfiles import read_text
from orders.knowledge import Article, KnowledgeIndex
from orders.knowledge_file import ArticlesWrong, read_articles, read_workbook
from orders.knowledge_store import KnowledgeStore

__all__ = ["KnowledgeRefused", "import_articles", "knowledge"]

Say = Callable[[object], None]

BY = "system"
"""Who it is that does something from the terminal, as with accounts."""


class KnowledgeRefused(HotlineError):
    """Nothing was changed; the message names every line that is wrong."""


def import_articles(file: Path) -> tuple[Article, ...]:
    """Read articles from a .xlsx, .csv, .yaml or .yml file.

    Raises:
        KnowledgeRefused: it is none of these, or a line is wrong.
    """
    kind = {".csv": "csv", ".yaml": "yaml", ".yml": "yaml", ".xlsx": "xlsx"}.get(file.suffix.lower())
    if kind is None:
        raise KnowledgeRefused(f"{file.name}: save it as .xlsx, .csv or .yaml")
    try:
        if kind == "xlsx":
            return read_workbook(file.read_bytes())
        return read_articles(read_text(file), kind)
    except ArticlesWrong as error:
        raise KnowledgeRefused("\n".join(["nothing was imported", *error.problems])) from error


async def knowledge(settings: Settings, options: argparse.Namespace, say: Say) -> int:
    """Import articles, or find those that answer a question; return the exit status.

    Raises:
        KnowledgeRefused: the file cannot be used; nothing of it was taken.
    """
    await migrate(settings.database)
    engine = open_engine(settings.database)
    store = KnowledgeStore(engine)
    try:
        if options.action == "import":
            read = import_articles(options.file)
            came = await store.put(read, by=BY, dry_run=options.dry_run)
            done = "试运行，未写入" if options.dry_run else "已导入"
            say(f"{done}：{len(read)} 条知识，新增 {came.new}，更新 {came.changed}，未变 {came.same}")
            return 0
        today = datetime.datetime.now(datetime.UTC).astimezone().date()
        for found in KnowledgeIndex(await store.all()).find(options.text, today=today, area=options.area):
            say(f"{found.score:.2f}  {found.title}\n      {found.answer}")
        return 0
    finally:
        await engine.dispose()
