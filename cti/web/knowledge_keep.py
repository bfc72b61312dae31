"""Keeping the knowledge base over HTTP: lists, versions, proposals, files; what citizens may read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import msgspec
from aiohttp import web

from cti.casework.knowledge_keeper import KnowledgeKeeper, NotYours
from cti.editions import EditionRefused, check_reason
from cti.tasks import aside
from cti.textfiles import FileUnreadable, decode_text
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.bucket import TokenBucket
from cti.web.cases import casework_of
from cti.web.guard import DEPS, RATES, client_address, person_of
from orders.errors import OrderError, ValueRefused
from orders.knowledge import Article
from orders.knowledge_feedback import UnknownArticle
from orders.knowledge_file import ArticlesWrong, article_of, read_articles, read_workbook
from orders.knowledge_list import ArticleFilter, ArticleState, KeptVersion
from orders.knowledge_proposals import Proposal, ProposalState, UnknownProposal
from orders.knowledge_store import VersionMoved

__all__ = [
    "article_history", "change_article", "import_articles", "list_articles", "list_cares", "list_proposals",
    "public_article", "public_search", "rule_proposal",
]  # fmt: skip

Text = Annotated[str, msgspec.Meta(max_length=100)]
Reason = Annotated[str, msgspec.Meta(max_length=200)]
PUBLIC_PER_MINUTE = 60.0
"""Questions of one address to the public page."""
FOUND_MOST, PUBLIC_MOST = 50, 10
"""So many articles are looked at, and of those that citizens may read so many told."""
PUBLIC = "public:"
RATES_MOST, FORGOTTEN_S = 5000, 120.0
"""From so many addresses on, those that were quiet for so long are forgotten."""
UPLOAD_MOST = 8 << 20


class ArticlesQuery(msgspec.Struct):
    text: Text = ""
    unit: Text = ""
    area: Text = ""
    state: ArticleState | None = None
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class ArticleBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Reason  # why it is changed
    base: Annotated[int, msgspec.Meta(ge=0)]  # version that was edited, 0 for a new article
    question: Annotated[str, msgspec.Meta(max_length=400)]
    answer: Annotated[str, msgspec.Meta(max_length=20_000)]
    variants: Annotated[list[Annotated[str, msgspec.Meta(max_length=400)]], msgspec.Meta(max_length=100)] = []
    basis: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    unit: Text = ""
    area: Text = ""
    valid_from: Text = ""
    valid_until: Text = ""
    review_on: Text = ""
    public: bool = False
    withdrawn: bool = False


class ProposalsQuery(msgspec.Struct):
    state: ProposalState = ProposalState.WAITING
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class RuleBody(msgspec.Struct, forbid_unknown_fields=True):
    approved: bool
    ruling: Reason = ""  # why; needed when it is refused


class ImportQuery(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]  # the file's; its ending says what it is
    dry_run: bool = True


class PublicQuery(msgspec.Struct):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    area: Text = ""


def keeper_of(request: web.Request) -> KnowledgeKeeper:
    """Return who keeps the knowledge base."""
    return casework_of(request).knowledge


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except UnknownArticle as error:
        raise ApiError(404, "not_found", error.shown) from None
    except UnknownProposal as error:
        raise ApiError(409, "settled", error.shown) from None
    except VersionMoved as error:
        raise ApiError(409, "conflict", error.shown, more={"version": error.current}) from None
    except NotYours as error:
        raise ApiError(403, "forbidden", error.shown) from None
    except ArticlesWrong as error:
        raise ApiError(400, "invalid", error.shown, more={"problems": list(error.problems)}) from None
    except ValueRefused as error:
        raise ApiError(400, "invalid", error.shown) from None
    except OrderError as error:
        raise ApiError(409, "refused", error.shown) from None


def _needed(reason: str) -> str:
    try:
        return check_reason(reason)
    except EditionRefused as error:
        raise ApiError(400, "invalid", error.shown, field="reason") from None


def _kept_body(kept: KeptVersion) -> dict[str, object]:
    return {**msgspec.to_builtins(kept.article), "changed_by": kept.by, "changed_at": kept.at}


def _proposal_body(proposal: Proposal) -> dict[str, object]:
    body: dict[str, object] = msgspec.to_builtins(proposal)
    return body


async def list_articles(request: web.Request) -> web.StreamResponse:
    """GET /api/knowledge/articles: all articles, changed last first; units see their own."""
    query = read_query(request, ArticlesQuery)
    which = ArticleFilter(
        text=query.text.strip(),
        units=(query.unit,) if query.unit else None,
        area=query.area,
        state=query.state,
        page=query.page,
        size=query.size,
    )
    with _refusals():
        page = await keeper_of(request).page(which, person_of(request))
    found = [_kept_body(one) for one in page.articles]
    return answer({"total": page.total, "page": page.page, "size": page.size, "articles": found})


async def article_history(request: web.Request) -> web.StreamResponse:
    """GET /api/knowledge/articles/{article_id}: every version, newest first."""
    with _refusals():
        versions = await keeper_of(request).history(request.match_info["article_id"][:80], person_of(request))
    return answer({"versions": [_kept_body(one) for one in versions]})


async def change_article(request: web.Request) -> web.StreamResponse:
    """PUT /api/knowledge/articles/{article_id}: published at once, or a unit's proposal (202)."""
    body = await read_body(request, ArticleBody)
    reason = _needed(body.reason)
    row = {**msgspec.structs.asdict(body), "id": request.match_info["article_id"][:80]}
    row["public"] = "1" if body.public else ""
    with _refusals():
        article = replace(article_of(row), withdrawn=body.withdrawn)
        made = await keeper_of(request).change(
            article, base=body.base, reason=reason, person=person_of(request)
        )
    if made.proposal is not None:
        return answer({"proposal": _proposal_body(made.proposal)}, status=202)
    return answer({"article": made.article})


async def list_proposals(request: web.Request) -> web.StreamResponse:
    """GET /api/knowledge/proposals: what waits for the centre, oldest first."""
    query = read_query(request, ProposalsQuery)
    with _refusals():
        page = await keeper_of(request).proposals(
            query.state, person_of(request), page=query.page, size=query.size
        )
    found = [_proposal_body(one) for one in page.proposals]
    return answer({"total": page.total, "page": page.page, "size": page.size, "proposals": found})


async def rule_proposal(request: web.Request) -> web.StreamResponse:
    """POST /api/knowledge/proposals/{proposal_id}/rule: publish it, or send it back with a reason."""
    body = await read_body(request, RuleBody)
    if not body.approved:
        _needed(body.ruling)
    with _refusals():
        article = await keeper_of(request).rule(
            request.match_info["proposal_id"][:40],
            approved=body.approved,
            ruling=body.ruling.strip(),
            person=person_of(request),
        )
    return answer({"article": article})


async def list_cares(request: web.Request) -> web.StreamResponse:
    """GET /api/knowledge/cares: reviews due, validity that ends, doubts; units see their own."""
    found = await keeper_of(request).cares(person_of(request))
    return answer({"cares": [msgspec.to_builtins(one) for one in found]})


async def import_articles(request: web.Request) -> web.StreamResponse:
    """POST /api/knowledge/import: an Excel, CSV or YAML file as it is, all or nothing; first as a dry run."""
    query = read_query(request, ImportQuery)
    data = bytearray()
    async for chunk in request.content.iter_chunked(64 << 10):
        data += chunk
        if len(data) > UPLOAD_MOST:
            raise ApiError(413, "too_large", f"文件超过 {UPLOAD_MOST >> 20} MB，请分批导入", field="file")
    with _refusals():
        articles = await aside(_articles_of, query.name, bytes(data))
        came = await keeper_of(request).put(articles, person_of(request), dry_run=query.dry_run)
    return answer({**msgspec.to_builtins(came), "dry_run": query.dry_run, "read": len(articles)})


def _articles_of(name: str, data: bytes) -> tuple[Article, ...]:
    ending = name.rpartition(".")[2].lower()
    if ending == "xlsx":
        return read_workbook(data)
    if ending not in ("csv", "yaml", "yml"):
        raise ArticlesWrong(["请上传 .xlsx、.csv 或 .yaml 文件"])
    try:
        text, _ = decode_text(data, name)
    except FileUnreadable:
        raise ArticlesWrong(["文件编码无法识别，请另存为 UTF-8 或 GB18030"]) from None
    return read_articles(text, "csv" if ending == "csv" else "yaml")


def _asked(request: web.Request) -> None:
    """Let an address ask so often. Raises ApiError 429."""
    now = time.monotonic()
    rates = request.app[RATES]
    if len(rates) > RATES_MOST:
        for old in [
            key for key, one in rates.items() if key.startswith(PUBLIC) and now - one.at > FORGOTTEN_S
        ]:
            del rates[old]
    key = f"{PUBLIC}{client_address(request)}"
    bucket = rates.get(key)
    if bucket is None:
        bucket = rates[key] = TokenBucket(PUBLIC_PER_MINUTE / 60, PUBLIC_PER_MINUTE / 2, now)
    if not bucket.take(now):
        raise ApiError(429, "too_many", "查询过于频繁，请稍后再试")


def _public_body(article: Article) -> dict[str, object]:
    return {
        "article_id": article.article_id,
        "question": article.question,
        "answer": article.answer,
        "basis": article.basis,
        "unit": article.unit,
        "area": article.area,
        "valid_until": article.valid_until,
    }


async def public_search(request: web.Request) -> web.StreamResponse:
    """GET /api/public/knowledge: what citizens may read, best first; nobody needs to sign in."""
    _asked(request)
    query = read_query(request, PublicQuery)
    found = await request.app[DEPS].knowledge(query.text, query.area, FOUND_MOST)
    told = await keeper_of(request).public([one.article_id for one in found])
    return answer({"text": query.text, "articles": [_public_body(one) for one in told[:PUBLIC_MOST]]})


async def public_article(request: web.Request) -> web.StreamResponse:
    """GET /api/public/knowledge/{article_id}: one article that citizens may read."""
    _asked(request)
    told = await keeper_of(request).public([request.match_info["article_id"][:80]])
    if not told:
        raise ApiError(404, "not_found", "没有这条知识，或已失效")
    return answer(_public_body(told[0]))
