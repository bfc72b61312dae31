"""The knowledge base over HTTP: what to say to what a citizen asks, and what people make of it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of
from orders.errors import ValueRefused
from orders.knowledge_feedback import NOTE_MAX, UnknownArticle, Verdict

__all__ = ["counted", "find_answers", "judge", "list_misses", "miss"]

COUNTED_MOST = 50


class KnowledgeQuery(msgspec.Struct):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]  # Chinese, pinyin or initials
    area: Annotated[str, msgspec.Meta(max_length=50)] = ""  # leave out articles of other areas
    limit: Annotated[int, msgspec.Meta(ge=1, le=20)] = 5


class CountedQuery(msgspec.Struct):
    ids: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]  # article ids, parted by commas


class VerdictBody(msgspec.Struct, forbid_unknown_fields=True):
    verdict: Verdict | None  # null takes one's own back
    note: Annotated[str, msgspec.Meta(max_length=NOTE_MAX)] = ""
    call_id: Annotated[str, msgspec.Meta(max_length=80)] = ""  # in which the article was used


class MissBody(msgspec.Struct, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class MissesQuery(msgspec.Struct):
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


async def find_answers(request: web.Request) -> web.StreamResponse:
    """GET /api/knowledge: articles valid today that answer a question, best first."""
    query = read_query(request, KnowledgeQuery)
    answers = await request.app[DEPS].knowledge(query.text, query.area, query.limit)
    return answer({"text": query.text, "answers": answers})


async def counted(request: web.Request) -> web.StreamResponse:
    """GET /api/knowledge/verdicts: how many found each article useful or outdated, and one's own verdict."""
    ids = [one for one in read_query(request, CountedQuery).ids.split(",") if one][:COUNTED_MOST]
    found = await request.app[DEPS].desk.feedback.counted(ids, who=person_of(request).login)
    return answer({"verdicts": list(found.values())})


async def judge(request: web.Request) -> web.StreamResponse:
    """PUT /api/knowledge/{article_id}/verdict: one's own verdict on the newest version; kept in the trail."""
    body = await read_body(request, VerdictBody)
    deps, login = request.app[DEPS], person_of(request).login
    article_id = request.match_info["article_id"][:80]
    try:
        made = await deps.desk.feedback.judge(
            article_id, body.verdict, who=login, note=body.note.strip(), call_id=body.call_id
        )
    except UnknownArticle as error:
        raise ApiError(404, "not_found", error.shown) from None
    except ValueRefused as error:
        raise ApiError(400, "invalid", error.shown) from None
    detail = {"verdict": body.verdict.value if body.verdict is not None else None, "note": body.note.strip()}
    await deps.accounts.note(login, "knowledge_judged", article_id, detail)
    return answer(made)


async def miss(request: web.Request) -> web.StreamResponse:
    """POST /api/knowledge/misses: somebody looked for this and nothing answered it."""
    body = await read_body(request, MissBody)
    try:
        await request.app[DEPS].desk.feedback.missed(body.text, who=person_of(request).login)
    except ValueRefused as error:
        raise ApiError(400, "invalid", error.shown) from None
    return answer({}, status=201)


async def list_misses(request: web.Request) -> web.StreamResponse:
    """GET /api/knowledge/misses: what was looked for in vain, most often first."""
    query = read_query(request, MissesQuery)
    return answer(await request.app[DEPS].desk.feedback.misses(page=query.page, size=query.size))
