"""Flows, policy and calendar tried over HTTP before they are published: drawn, played, simulated."""

from __future__ import annotations

import datetime
import math
from typing import Annotated

import msgspec
from aiohttp import web

from cti.casework.policy_shelf import AHEAD_S
from cti.edition_calendar import YearDays, is_workdays, with_years, years_of
from cti.edition_play import LINES_MAX, epoch, names_of, picture, play
from cti.edition_set import CheckedSet
from cti.policytry import SHIPPED_CASES, CasesWrong, load_cases, parse_cases, try_case
from cti.tasks import aside
from cti.web.admin import ChangeBody, DocumentText, changes_of, keeper_of, problem_told, refusals
from cti.web.answers import ApiError, answer, read_body
from cti.web.guard import DEPS
from ivr_flows.calendar import calendars_of
from ivr_flows.check import check_calendar
from ivr_flows.errors import FlowFileError
from ivr_flows.loader import Flows
from ivr_flows.schema import Flow
from ivr_flows.yamlfile import parse_yaml
from orders.policy_file import PolicyError
from orders.workdays_file import parse_workdays

__all__ = ["calendar_days", "calendar_text", "draw_flow", "play_flow", "try_policy"]

Changes = Annotated[list[ChangeBody], msgspec.Meta(max_length=20)]
FlowName = Annotated[str, msgspec.Meta(max_length=40)]
Digits = Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9]{0,20}$")]


class DrawBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    flow: FlowName
    changes: Changes = []


class PlayBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    flow: FlowName = ""
    called: Digits = "12345"
    caller: Digits = "13800000000"
    at: datetime.datetime | None = None
    lines: Annotated[
        list[Annotated[str, msgspec.Meta(max_length=500)]], msgspec.Meta(max_length=LINES_MAX)
    ] = []
    changes: Changes = []


class TryBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    cases: DocumentText = ""
    changes: Changes = []


class DaysBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    text: DocumentText


class CalendarBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    text: DocumentText
    years: Annotated[dict[str, YearDays], msgspec.Meta(max_length=50)]


async def _set(request: web.Request, changes: list[ChangeBody]) -> CheckedSet:
    with refusals():
        return await keeper_of(request).check(changes_of(request, changes))


def _readable(checked: CheckedSet) -> Flows:
    if checked.flows is None:
        more = {"problems": [problem_told(one) for one in checked.problems]}
        raise ApiError(400, "wrong_set", "先改正错误", more=more)
    return checked.flows


def _flow(flows: Flows, name: str, called: str) -> Flow:
    flow = flows.named(name) if name else flows.for_number(called)
    if flow is None:
        raise ApiError(404, "not_found", "没有这个流程")
    return flow


async def draw_flow(request: web.Request) -> web.StreamResponse:
    """POST /api/admin/flows/draw: the flow as it would be, as SVG and in words."""
    body = await read_body(request, DrawBody)
    checked = await _set(request, body.changes)
    flows = _readable(checked)
    if checked.policy is None or checked.manifest is None:
        raise ApiError(400, "wrong_set", "先改正错误")
    names = names_of(flows, checked.policy, checked.manifest)
    drawn = await aside(picture, _flow(flows, body.flow, ""), names)
    return answer({"picture": drawn, "problems": [problem_told(one) for one in checked.problems]})


async def play_flow(request: web.Request) -> web.StreamResponse:
    """POST /api/admin/flows/play: how far a call comes with these answers; nothing is dialled or kept."""
    body = await read_body(request, PlayBody)
    checked = await _set(request, body.changes)
    flows = _readable(checked)
    manifest = checked.manifest
    if manifest is None:
        raise ApiError(400, "wrong_set", "先改正错误")
    flow = _flow(flows, body.flow, body.called)
    if flow.sub:
        raise ApiError(400, "invalid", "子流程由其他流程进入，请试用主流程", field="flow")
    at = request.app[DEPS].clock() if body.at is None else epoch(body.at, flows)
    played = await aside(
        lambda: play(flow, flows, manifest, called=body.called, caller=body.caller, at=at, lines=body.lines)
    )
    return answer(played)


async def try_policy(request: web.Request) -> web.StreamResponse:
    """POST /api/admin/policy/try: whom the policy would ring in made-up cases, and why."""
    body = await read_body(request, TryBody)
    checked = await _set(request, body.changes)
    policy = checked.policy
    if policy is None:
        more = {"problems": [problem_told(one) for one in checked.problems]}
        raise ApiError(400, "wrong_set", "先改正错误", more=more)
    try:
        cases = parse_cases(body.cases, "cases") if body.cases.strip() else load_cases(SHIPPED_CASES)
        tried = await aside(
            lambda: [{"title": case.title, "decisions": try_case(policy, case)} for case in cases]
        )
    except CasesWrong as error:
        raise ApiError(400, "invalid", f"试验场景有误：{error}", field="cases") from None
    return answer({"cases": tried})


async def calendar_days(request: web.Request) -> web.StreamResponse:
    """POST /api/admin/calendar/days: the days of a calendar document, and what should be looked at."""
    body = await read_body(request, DaysBody)
    today = datetime.datetime.fromtimestamp(math.floor(request.app[DEPS].clock()), datetime.UTC).date()
    if is_workdays(body.text):
        return answer(_workdays_told(request, body.text))
    try:
        years = years_of(body.text)
        calendars = calendars_of(parse_yaml(body.text.encode(), name="calendar.yaml"))
    except FlowFileError as error:
        raise ApiError(
            400, "invalid", f"第 {error.line} 行 {error.key}：{error.remedy}", field="text"
        ) from None
    warned = [problem_told(one) for one in check_calendar(calendars, today)]
    named = [{"name": one.name, "title": one.title} for one in calendars.by_name.values()]
    return answer({"years": years, "warnings": warned, "calendars": named, "today": today.isoformat()})


def _workdays_told(request: web.Request, text: str) -> dict[str, object]:
    """The working calendar of orders; what is missing in it is said as clerks are told."""
    now = request.app[DEPS].clock()
    try:
        days = parse_workdays(text.encode())
        years = years_of(text)
    except PolicyError as error:
        raise ApiError(
            400, "invalid", f"第 {error.line} 行 {error.key}：{error.remedy}", field="text"
        ) from None
    warned = [
        {"file": "workdays.yaml", "line": 1, "key": str(note.year), "value": "", "remedy": note.shown,
         "fatal": False, "kind": "workdays"}
        for note in days.notes(now, now + AHEAD_S)
    ]  # fmt: skip
    return {"years": years, "warnings": warned, "calendars": [], "today": days.date(now).isoformat()}


async def calendar_text(request: web.Request) -> web.StreamResponse:
    """POST /api/admin/calendar/text: the document with other days; what else it says stays as written."""
    body = await read_body(request, CalendarBody)
    try:
        text = with_years(body.text, body.years)
        years_of(text)
    except (FlowFileError, PolicyError) as error:
        raise ApiError(400, "invalid", f"{error.key}：{error.remedy}", field="years") from None
    return answer({"text": text})
