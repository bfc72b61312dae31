"""Hot topics, monthly themes and repeated matters over HTTP."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.cases import casework_of
from cti.web.guard import person_of
from cti.web.opened import note_opened
from cti.web.orders import order_named, sight_of
from cti.web.veils import veil_of
from orders.errors import ValueRefused
from orders.lifecycle import value_of
from orders.messages import OrderField
from orders.repeats import Earlier
from orders.themes import Theme, ThemeClosed, UnknownTheme
from orders.topics import Level, TopicPolicy

__all__ = ["begin_theme", "close_theme", "earlier", "list_themes", "list_topics", "matter", "one_theme"]

Text = Annotated[str, msgspec.Meta(max_length=100)]
SHOWN_MOST = 200


class TopicsQuery(msgspec.Struct):
    days: Annotated[int, msgspec.Meta(ge=1, le=31)] = 7  # the window
    weeks: Annotated[int, msgspec.Meta(ge=2, le=26)] = 8  # compared with so many weeks before
    depth: Annotated[int, msgspec.Meta(ge=1, le=4)] = 2  # levels of the category
    district: Text = ""  # only this 区县, "" for all
    raised: bool = False  # only what is above the usual


class MatterQuery(msgspec.Struct):
    category: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    district: Text = ""


class ThemeBody(msgspec.Struct, forbid_unknown_fields=True):
    month: Annotated[str, msgspec.Meta(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]
    title: Text
    category: Text
    district: Text = ""
    lead: Text = ""
    goal: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class ResultBody(msgspec.Struct, forbid_unknown_fields=True):
    result: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


async def list_topics(request: web.Request) -> web.StreamResponse:
    """GET /api/topics: matters of the window, the surest above the usual first."""
    query, person = read_query(request, TopicsQuery), person_of(request)
    policy = TopicPolicy(days=query.days, weeks=query.weeks, depth=query.depth)
    view = await casework_of(request).topics.topics(policy)
    theirs = set(person.districts)
    found = [
        one
        for one in view.topics
        if (not query.district or one.district == query.district)
        and (not theirs or one.district in theirs)
        and (not query.raised or one.level is not Level.USUAL)
    ]
    shown = [{**msgspec.to_builtins(one), "ratio": round(one.ratio, 2)} for one in found[:SHOWN_MOST]]
    return answer(
        {"at": view.at, "today": view.today, "policy": policy, "total": len(found), "topics": shown}
    )


async def matter(request: web.Request) -> web.StreamResponse:
    """GET /api/topics/months: one matter month by month."""
    query, theirs = read_query(request, MatterQuery), person_of(request).districts
    if theirs and query.district not in theirs:
        raise ApiError(403, "forbidden", f"只能查看本人负责的区县：{'、'.join(theirs)}", field="district")
    months = await casework_of(request).topics.months(query.category, query.district)
    return answer({"category": query.category, "district": query.district, "months": months})


async def list_themes(request: web.Request) -> web.StreamResponse:
    """GET /api/themes: 每月一题 of the city and of the person's districts, newest first."""
    themes = await casework_of(request).topics.themes.list()
    return answer({"themes": [theme for theme in themes if _theirs(request, theme)]})


def _theirs(request: web.Request, theme: Theme) -> bool:
    districts = person_of(request).districts
    return not districts or theme.district in ("", *districts)


def _check_theirs(request: web.Request, theme: Theme) -> None:
    """Raises UnknownTheme."""
    if not _theirs(request, theme):
        raise UnknownTheme


async def one_theme(request: web.Request) -> web.StreamResponse:
    """GET /api/themes/{theme_id}: a theme and its months."""
    try:
        report = await casework_of(request).topics.report(request.match_info["theme_id"][:40])
        _check_theirs(request, report.theme)
    except UnknownTheme as error:
        raise ApiError(404, "not_found", error.shown) from None
    return answer(report)


async def begin_theme(request: web.Request) -> web.StreamResponse:
    """POST /api/themes: choose a matter to be solved."""
    body, desk, person = await read_body(request, ThemeBody), casework_of(request).topics, person_of(request)
    try:
        theme = await desk.themes.begin(
            month=body.month, title=body.title.strip(), category=body.category.strip(),
            district=body.district.strip(), lead=body.lead.strip(), goal=body.goal.strip(), by=person.login,
        )  # fmt: skip
    except ValueRefused as error:
        raise ApiError(400, "invalid", error.shown) from None
    await desk.note(person, "theme_begun", theme)
    return answer(theme, status=201)


async def close_theme(request: web.Request) -> web.StreamResponse:
    """POST /api/themes/{theme_id}/close: say what was done."""
    body, desk, person = await read_body(request, ResultBody), casework_of(request).topics, person_of(request)
    theme_id = request.match_info["theme_id"][:40]
    try:
        _check_theirs(request, await desk.themes.get(theme_id))
        theme = await desk.themes.close(theme_id, result=body.result)
    except UnknownTheme as error:
        raise ApiError(404, "not_found", error.shown) from None
    except ThemeClosed as error:
        raise ApiError(409, "conflict", error.shown) from None
    except ValueRefused as error:
        raise ApiError(400, "invalid", error.shown) from None
    await desk.note(person, "theme_closed", theme)
    return answer(theme)


async def earlier(request: web.Request) -> web.StreamResponse:
    """GET /api/orders/{order_id}/earlier: orders of the same matter that are theirs to see, newest first."""
    order = await order_named(request)
    await note_opened(request, order)
    found = await casework_of(request).topics.repeats.earlier(order, sight=await sight_of(request))
    return answer({"earlier": [_earlier_body(one) for one in found]})


def _earlier_body(earlier: Earlier) -> dict[str, object]:
    order = earlier.order
    course = order.draft.course
    return {
        "order_id": order.draft.order_id,
        "number": order.number,
        "title": veil_of(order).text(value_of(order.draft, OrderField.TITLE)),
        "at": order.created_at,
        "same_citizen": earlier.same_citizen,
        "same_place": earlier.same_place,
        "state": "" if course is None else course.state.value,
    }
