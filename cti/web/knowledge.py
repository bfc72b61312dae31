"""The knowledge base over HTTP: what to say to what a citizen asks."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from cti.web.answers import answer, read_query
from cti.web.guard import DEPS

__all__ = ["find_answers"]


class KnowledgeQuery(msgspec.Struct):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]  # Chinese, pinyin or initials
    area: Annotated[str, msgspec.Meta(max_length=50)] = ""  # leave out articles of other areas
    limit: Annotated[int, msgspec.Meta(ge=1, le=20)] = 5


async def find_answers(request: web.Request) -> web.StreamResponse:
    """GET /api/knowledge: articles valid today that answer a question, best first."""
    query = read_query(request, KnowledgeQuery)
    answers = await request.app[DEPS].knowledge(query.text, query.area, query.limit)
    return answer({"text": query.text, "answers": answers})
