"""Reviews of talks over HTTP: for those who score, and for the agents who are scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import msgspec
from aiohttp import web

from cti.quality.documents import DocumentKind
from cti.quality.errors import QualityError, ReviewStale, ReviewUnknown
from cti.quality.reviews import OF_AGENT, MoveKind, Review, ReviewState
from cti.quality.sheets import Marks
from cti.quality.store import ReviewFilter
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of
from cti.web.secret_calls import secret_calls
from orders.privacy import masked_words

__all__ = [
    "biases",
    "calibrations",
    "close_calibration",
    "documents",
    "list_reviews",
    "move",
    "move_mine",
    "my_review",
    "my_reviews",
    "one_calibration",
    "one_review",
    "pick",
    "publish",
    "score_calibration",
    "scores",
    "start_calibration",
]

TOLD = frozenset({ReviewState.SCORED, ReviewState.APPEALED, ReviewState.ACCEPTED, ReviewState.RULED})
"""States in which the agent knows of the review."""
RANGE_S = 30 * 86_400.0

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Login = Annotated[str, msgspec.Meta(max_length=32)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Page = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Size = Annotated[int, msgspec.Meta(ge=1, le=100)]


class ReviewsQuery(msgspec.Struct):
    state: Annotated[str, msgspec.Meta(max_length=80)] = ""  # one or several, with commas
    agent: Login = ""
    reviewer: Login = ""
    call_id: Annotated[str, msgspec.Meta(max_length=80)] = ""
    since: float | None = None
    until: float | None = None
    failed: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None  # total below this
    page: Page = 1
    size: Size = 20


class MyReviewsQuery(msgspec.Struct):
    page: Page = 1
    size: Size = 20


class RangeQuery(msgspec.Struct):
    since: float | None = None
    until: float | None = None


class PickBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    call_id: Id
    agent: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    reason: Reason


class MoveBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    kind: MoveKind
    seen: Annotated[int, msgspec.Meta(ge=1)]  # version of the review that the person saw
    marks: Marks | None = None  # with score, and with rule where the score changes
    words: Annotated[str, msgspec.Meta(max_length=2_000)] = ""  # why


class PublishBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=64 * 1024)]
    reason: Reason
    base: Annotated[int, msgspec.Meta(ge=0)]  # the version that was changed


class CalibrationBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    call_id: Id
    agent: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    reviewers: Annotated[list[Login], msgspec.Meta(min_length=2, max_length=20)]


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except ReviewUnknown as error:
        raise ApiError(404, "not_found", error.shown) from None
    except ReviewStale as error:
        raise ApiError(409, "conflict", error.shown) from None
    except QualityError as error:
        raise ApiError(400, "invalid", error.shown, field=error.field) from None


def _states(text: str) -> tuple[ReviewState, ...]:
    try:
        return tuple(ReviewState(one) for one in text.split(",") if one)
    except ValueError:
        raise ApiError(400, "invalid", "没有这种质检状态", field="state") from None


async def list_reviews(request: web.Request) -> web.StreamResponse:
    """GET /api/reviews: what waits first, then newest first."""
    query = read_query(request, ReviewsQuery)
    found = await request.app[DEPS].quality.reviews.list(
        ReviewFilter(
            states=_states(query.state),
            agent=query.agent.strip(),
            reviewer=query.reviewer.strip(),
            call_id=query.call_id.strip(),
            since=query.since,
            until=query.until,
            failed=query.failed,
            page=query.page,
            size=query.size,
        )
    )
    return answer(msgspec.structs.replace(found, reviews=await _covered(request, found.reviews)))


async def _covered(request: web.Request, reviews: Sequence[Review]) -> tuple[Review, ...]:
    """Reviews with the words that are quoted of calls of confidential orders as those calls are shown."""
    secret = await secret_calls(request, {review.call_id for review in reviews})
    return tuple(
        msgspec.structs.replace(
            review,
            reasons=tuple(
                msgspec.structs.replace(one, text=masked_words(one.text)) for one in review.reasons
            ),
        )
        if review.call_id in secret
        else review
        for review in reviews
    )


async def pick(request: web.Request) -> web.StreamResponse:
    """POST /api/reviews: pick a talk by hand."""
    body = await read_body(request, PickBody)
    quality = request.app[DEPS].quality
    with _refusals():
        review = await quality.reviews.pick(
            body.call_id, body.agent, by=person_of(request).login, why=body.reason.strip()
        )
    return answer(review, status=201)


async def _whole(request: web.Request, review: Review, *, agent: bool) -> web.Response:
    quality = request.app[DEPS].quality
    (review,) = await _covered(request, [review])
    scored = review.sheet if review.scored_at is not None else None
    with _refusals():
        version, sheet = await quality.documents.sheet(scored)
    talks = [one for one in await quality.talks.talk(review.call_id) if one.agent_id == review.agent_id]
    return answer(
        {
            "review": _for_agent(review) if agent else review,
            "sheet": {"version": version, **msgspec.to_builtins(sheet)},
            "talk": talks[0] if talks else None,
            "history": () if agent else await quality.reviews.history(review.review_id),
        }
    )


def _for_agent(review: Review) -> Review:
    """A review as the agent sees it: not by whom."""
    return msgspec.structs.replace(review, reviewer="", ruled_by="")


async def one_review(request: web.Request) -> web.StreamResponse:
    """GET /api/reviews/{review_id}: with its sheet, what the talk was like, and every move."""
    with _refusals():
        review = await request.app[DEPS].quality.reviews.get(request.match_info["review_id"][:40])
    return await _whole(request, review, agent=False)


async def move(request: web.Request) -> web.StreamResponse:
    """POST /api/reviews/{review_id}/moves: take, release, score, rule, drop."""
    body = await read_body(request, MoveBody)
    if body.kind in OF_AGENT:
        raise ApiError(400, "invalid", "确认和申诉由被评的坐席提出", field="kind")
    (moved,) = await _covered(request, [await _move(request, body)])
    return answer(moved)


async def _move(request: web.Request, body: MoveBody) -> Review:
    with _refusals():
        return await request.app[DEPS].quality.reviews.move(
            request.match_info["review_id"][:40],
            body.kind,
            by=person_of(request).login,
            seen=body.seen,
            marks=body.marks,
            words=body.words.strip(),
        )


async def my_reviews(request: web.Request) -> web.StreamResponse:
    """GET /api/me/reviews: of one's own talks, once they are scored."""
    query = read_query(request, MyReviewsQuery)
    which = ReviewFilter(
        states=tuple(sorted(TOLD)), agent=person_of(request).login, page=query.page, size=query.size
    )
    found = await request.app[DEPS].quality.reviews.list(which)
    covered = await _covered(request, found.reviews)
    return answer(msgspec.structs.replace(found, reviews=tuple(map(_for_agent, covered))))


async def _mine(request: web.Request) -> Review:
    with _refusals():
        review = await request.app[DEPS].quality.reviews.get(request.match_info["review_id"][:40])
    if review.agent_id != person_of(request).login or review.state not in TOLD:
        raise ApiError(404, "not_found", "没有这张质检单")
    return review


async def my_review(request: web.Request) -> web.StreamResponse:
    """GET /api/me/reviews/{review_id}"""
    return await _whole(request, await _mine(request), agent=True)


async def move_mine(request: web.Request) -> web.StreamResponse:
    """POST /api/me/reviews/{review_id}/moves: accept or appeal."""
    body = await read_body(request, MoveBody)
    await _mine(request)
    if body.kind not in OF_AGENT:
        raise ApiError(400, "invalid", "坐席只能确认或申诉", field="kind")
    (moved,) = await _covered(request, [await _move(request, body)])
    return answer(_for_agent(moved))


async def scores(request: web.Request) -> web.StreamResponse:
    """GET /api/quality/scores: by agent, the lowest mean first; 30 days without a date."""
    deps = request.app[DEPS]
    query = read_query(request, RangeQuery)
    until = query.until if query.until is not None else deps.clock()
    since = query.since if query.since is not None else until - RANGE_S
    return answer(
        {
            "since": since,
            "until": until,
            "agents": await deps.quality.reviews.scores(since=since, until=until),
        }
    )


def _kind(request: web.Request) -> DocumentKind:
    try:
        return DocumentKind(request.match_info["kind"])
    except ValueError:
        raise ApiError(404, "not_found", "没有这种文档") from None


async def documents(request: web.Request) -> web.StreamResponse:
    """GET /api/quality/documents/{kind}: all versions of the sheet or the rules, newest first."""
    return answer({"versions": await request.app[DEPS].quality.documents.versions(_kind(request))})


async def publish(request: web.Request) -> web.StreamResponse:
    """POST /api/quality/documents/{kind}: a new version, in force at once."""
    kind, body = _kind(request), await read_body(request, PublishBody)
    with _refusals():
        document = await request.app[DEPS].quality.documents.publish(
            kind, body.text, who=person_of(request).login, reason=body.reason.strip(), base=body.base
        )
    return answer(document, status=201)


async def calibrations(request: web.Request) -> web.StreamResponse:
    """GET /api/calibrations: newest first; others' marks only of those that are closed."""
    seer = person_of(request).login
    return answer({"calibrations": await request.app[DEPS].quality.calibrations.list(seer)})


async def start_calibration(request: web.Request) -> web.StreamResponse:
    """POST /api/calibrations: ask several people to score one talk."""
    body = await read_body(request, CalibrationBody)
    with _refusals():
        begun = await request.app[DEPS].quality.calibrations.begin(
            body.call_id, body.agent, body.reviewers, by=person_of(request).login
        )
    return answer(begun, status=201)


async def one_calibration(request: web.Request) -> web.StreamResponse:
    """GET /api/calibrations/{calibration_id}: with its sheet."""
    quality = request.app[DEPS].quality
    with _refusals():
        found = await quality.calibrations.get(
            request.match_info["calibration_id"][:40], person_of(request).login
        )
        version, sheet = await quality.documents.sheet(found.sheet)
    return answer({"calibration": found, "sheet": {"version": version, **msgspec.to_builtins(sheet)}})


async def score_calibration(request: web.Request) -> web.StreamResponse:
    """POST /api/calibrations/{calibration_id}/marks: one's own, once."""
    marks = await read_body(request, Marks)
    with _refusals():
        found = await request.app[DEPS].quality.calibrations.score(
            request.match_info["calibration_id"][:40], marks, by=person_of(request).login
        )
    return answer(found)


async def close_calibration(request: web.Request) -> web.StreamResponse:
    """POST /api/calibrations/{calibration_id}/close: without those who have not scored."""
    with _refusals():
        found = await request.app[DEPS].quality.calibrations.close(
            request.match_info["calibration_id"][:40], by=person_of(request).login
        )
    return answer(found)


async def biases(request: web.Request) -> web.StreamResponse:
    """GET /api/quality/biases: how reviewers score against one another, the most lenient first."""
    return answer({"reviewers": await request.app[DEPS].quality.calibrations.biases()})
