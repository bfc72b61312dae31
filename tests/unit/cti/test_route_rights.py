"""Every address of the server and every role: who is let in is written down here a second time, by hand.

Whoever adds an address adds its line. Letters: A agent, S supervisor (班长), D administrator (管理员),
H listener (领导旁听), C clerk (派单员), U unit (承办单位), L leader (领导), R auditor (审计员);
"-" is open to all.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from cti.message_base import Role
from cti.ports import Person
from cti.sessions import Session
from cti.web.answers import ApiError
from cti.web.guard import DEPS, Route, guarded
from cti.web.ports import WebDeps
from cti.web.routes import ROUTES
from tests.unit.cti.test_page_rights import LETTERS

RIGHTS = """
-        POST /api/login
ASDHCULR POST /api/logout
ASDHCULR GET /api/me
ASDHCULR GET /api/names
ASD      GET /api/me/figures
SD       GET /api/reports
SD       POST /api/reports
SD       GET /api/reports/page
SD       GET /api/reports/file
SD       GET /api/reports/{report_id}
SD       GET /api/reports/{report_id}/file
SD       GET /api/reports/{report_id}/difference
ASDHCLR  GET /api/figures/definitions
ASDH     GET /api/me/phone
ASDHCULR POST /api/me/password
ASDHCULR GET /api/ws
ASD      GET /api/calls
ASD      GET /api/calls/missed
ASD      GET /api/work/counts
ASD      GET /api/calls/{call_id}
ASD      GET /api/calls/{call_id}/pop
ASD      GET /api/calls/{call_id}/transcript
AS       PUT /api/calls/{call_id}/transcript/{line_id}/mark
ASD      GET /api/calls/{call_id}/transcript/export
AS       PATCH /api/calls/{call_id}/transcript/{line_id}
ASD      GET /api/calls/{call_id}/transcript/{line_id}/corrections
ASD      GET /api/calls/{call_id}/recording
ASD      GET /api/calls/{call_id}/recording/part
ASD      GET /api/calls/{call_id}/messages
ASD      GET /api/calls/{call_id}/messages/{number}
ASD      GET /api/transcripts
SD       GET /api/transcripts/export
SD       GET /api/quality/fields
SD       GET /api/reviews
SD       POST /api/reviews
SD       GET /api/reviews/{review_id}
SD       POST /api/reviews/{review_id}/moves
AS       GET /api/me/reviews
AS       GET /api/me/reviews/{review_id}
AS       POST /api/me/reviews/{review_id}/moves
SD       GET /api/quality/scores
SD       GET /api/quality/biases
SD       GET /api/quality/documents/{kind}
SD       POST /api/quality/documents/{kind}
SD       GET /api/calibrations
SD       POST /api/calibrations
SD       GET /api/calibrations/{calibration_id}
SD       POST /api/calibrations/{calibration_id}/marks
SD       POST /api/calibrations/{calibration_id}/close
ASD      GET /api/callers/{number}/history
ASD      GET /api/callbacks
AS       POST /api/callbacks
ASD      GET /api/callbacks/{callback_id}
ASD      GET /api/callbacks/{callback_id}/history
AS       POST /api/callbacks/{callback_id}/take
AS       POST /api/callbacks/{callback_id}/give-up
AS       POST /api/callbacks/{callback_id}/settle
SD       GET /api/blocked
SD       POST /api/blocked
SD       DELETE /api/blocked/{number}
SD       GET /api/blocked/suspects
ASDCULR  GET /api/orders
ASDC     POST /api/orders
ASDC     GET /api/orders/by-external/{system}/{external_id}
ASDC     GET /api/intake
ASDC     POST /api/intake/{order_id}/accept
ASDC     POST /api/intake/{order_id}/discard
ASDCULR  GET /api/orders/{order_id}/attachments
ASDCU    POST /api/orders/{order_id}/attachments
ASDCULR  GET /api/orders/{order_id}/attachments/{attachment_id}
SDC      DELETE /api/orders/{order_id}/attachments/{attachment_id}
ASDC     POST /api/attachments
SDC      GET /api/notices
SD       POST /api/notices/replies
SDC      GET /api/notices/replies
SDC      POST /api/notices/replies/{reply_key}/read
SDC      POST /api/notices/{notice_id}/again
SDC      POST /api/notices/{notice_id}/close
ASDCULR  POST /api/orders/moves
SDR      POST /api/orders/transfers/export
SD       POST /api/orders/transfers/import
SDR      GET /api/orders/transfers/{transfer_id}
SDR      GET /api/orders/transfers/{transfer_id}/file
ASDCULR  GET /api/orders/{order_id}
ASDCULR  GET /api/orders/{order_id}/course
ASDCULR  POST /api/orders/{order_id}/moves
ASDCULR  POST /api/orders/{order_id}/unmask
SDR      GET /api/orders/{order_id}/accesses
DR       GET /api/orders/{order_id}/chain
ASDCULR  GET /api/orders/{order_id}/documents
ASDCULR  GET /api/orders/{order_id}/documents/{kind}/{n}.pdf
ASDCULR  GET /api/orders/{order_id}/documents/{kind}/{n}
DR       POST /api/audit/verifications
DR       GET /api/audit/verifications
DR       GET /api/audit/verifications/{run_id}
DR       GET /api/audit/seals
DR       POST /api/audit/seals
ASDCULR  GET /api/orders/{order_id}/earlier
SDCLR    GET /api/topics
SDCLR    GET /api/topics/months
SDCLR    GET /api/themes
SDC      POST /api/themes
SDCLR    GET /api/themes/{theme_id}
SDC      POST /api/themes/{theme_id}/close
SDCU     GET /api/inbox
SDC      GET /api/clocks
SDC      POST /api/clocks/explain
SDL      GET /api/supervision
SDCU     GET /api/inbox/counts
SDCULR   GET /api/assessment
SDCULR   GET /api/assessment/orders
SDCULR   GET /api/assessment/trend
SDCULR   GET /api/assessment/mine
SDCULR   GET /api/assessment/corrections
SD       POST /api/assessment/freeze
SDCULR   GET /api/assessment/file
SDL      GET /api/leader
ASDCULR  GET /api/units
SDC      GET /api/units/book
SD       GET /api/units/file
SD       POST /api/units/import
SD       POST /api/units/rules
SD       DELETE /api/units/rules/{rule_id}
SDC      GET /api/orders/{order_id}/units
SDC      GET /api/dispatch/counts
SDC      GET /api/dispatch/queue
SDC      POST /api/dispatch/suggest
SDC      POST /api/dispatch/batch
SDC      GET /api/dispatch/samples
SDC      POST /api/dispatch/samples/{event_id}/verdict
SDCL     GET /api/dispatch/figures
SDC      GET /api/dispatch/policy
ASDCULR  GET /api/course/words
AS       PATCH /api/orders/{order_id}/fields
AS       POST /api/orders/{order_id}/submit
AS       POST /api/orders/{order_id}/discard
ASDC     POST /api/orders/{order_id}/links
ASDC     DELETE /api/orders/{order_id}/links/{other}
ASDC     POST /api/orders/{order_id}/merge
ASDC     POST /api/orders/{order_id}/merge/undo
ASD      GET /api/templates
SD       PUT /api/templates/{template_id}
SD       GET /api/templates/{template_id}/versions
ASD      GET /api/messages
ASD      GET /api/places
ASD      GET /api/desk/words
ASD      GET /api/knowledge
ASD      GET /api/knowledge/verdicts
ASD      PUT /api/knowledge/{article_id}/verdict
SD       GET /api/knowledge/misses
ASD      POST /api/knowledge/misses
SDCU     GET /api/knowledge/articles
SDCU     GET /api/knowledge/articles/{article_id}
SDCU     PUT /api/knowledge/articles/{article_id}
SDCU     GET /api/knowledge/proposals
SDC      POST /api/knowledge/proposals/{proposal_id}/rule
SDCU     GET /api/knowledge/cares
SDC      POST /api/knowledge/import
-        GET /api/public/knowledge
-        GET /api/public/knowledge/{article_id}
ASD      GET /api/visits
SD       POST /api/visits
SD       POST /api/visits/matching
SD       GET /api/visits/campaign
ASDC     GET /api/visits/by-hand
SD       POST /api/visits/campaign/pause
SD       POST /api/visits/campaign/resume
ASD      GET /api/visits/{visit_id}
SD       GET /api/visits/{visit_id}/history
SD       POST /api/visits/{visit_id}/cancel
ASD      POST /api/visits/{visit_id}/result
SD       GET /api/alerts
SD       POST /api/alerts/{alert_id}/acknowledge
SD       GET /api/alert-rules
SD       PUT /api/alert-rules/{key}
SD       DELETE /api/alert-rules/{key}
SD       GET /api/bursts
SD       GET /api/bursts/{burst_id}
SD       POST /api/bursts/{burst_id}/link
SD       POST /api/bursts/{burst_id}/merge
SD       POST /api/bursts/{burst_id}/merge/undo
SD       POST /api/bursts/{burst_id}/state
SD       GET /api/bulletins
SD       POST /api/bulletins
SD       POST /api/bulletins/{bulletin_id}/withdraw
SD       GET /api/announcements
SD       GET /api/announcements/pieces
SD       POST /api/announcements
SD       PUT /api/announcements/{announcement_id}/audio
SD       GET /api/announcements/{announcement_id}/audio
SD       POST /api/announcements/{announcement_id}/approve
SD       POST /api/announcements/{announcement_id}/withdraw
SD       GET /api/wall/definitions
SD       GET /api/wall/breaks
SD       GET /api/wall/breaks/file
ASD      GET /api/wall/map
ASD      GET /api/staff-messages
D        GET /api/accounts
D        POST /api/accounts
D        PATCH /api/accounts/{login}
DR       GET /api/audit
DR       GET /api/accesses
DR       GET /api/accesses/export
SD       GET /api/changes
D        GET /api/tokens
D        POST /api/tokens
D        POST /api/tokens/{token_id}/revoke
D        GET /api/webhooks
D        POST /api/webhooks
D        PATCH /api/webhooks/{webhook_id}
D        DELETE /api/webhooks/{webhook_id}
D        POST /api/webhooks/{webhook_id}/test
D        GET /api/webhooks/{webhook_id}/deliveries
D        POST /api/webhooks/{webhook_id}/deliveries/{event_id}/again
-        GET /api/citizen
-        POST /api/citizen/session
-        POST /api/citizen/orders
-        POST /api/citizen/orders/query
-        POST /api/citizen/orders/rate
-        POST /api/citizen/orders/attachments
-        GET /api/citizen/ws
SD       GET /api/admin/documents
SD       GET /api/admin/documents/{kind}
SD       PUT /api/admin/documents/{kind}/draft
SD       DELETE /api/admin/documents/{kind}/draft
SD       GET /api/admin/documents/{kind}/editions
SD       GET /api/admin/documents/{kind}/editions/{number}
SD       GET /api/admin/documents/{kind}/difference
SD       POST /api/admin/documents/{kind}/back
SD       POST /api/admin/check
SD       POST /api/admin/publish
SD       POST /api/admin/flows/draw
SD       POST /api/admin/flows/play
SD       POST /api/admin/policy/try
SDC      POST /api/admin/calendar/days
SD       POST /api/admin/calendar/text
SD       GET /api/admin/prompts
SD       GET /api/admin/prompts/{key}/audio
D        POST /api/admin/prompts/{key}/speak
D        PUT /api/admin/prompts/{key}
SD       GET /api/admin/people
D        POST /api/admin/people/import
SD       PUT /api/admin/people/{login}/skills
D        POST /api/admin/people/{login}/sign-out
D        GET /api/admin/settings
D        GET /api/admin/changes
D        POST /api/admin/changes/{change_id}/back
D        GET /api/admin/changes/export
-        GET /healthz
-        GET /readyz
-        GET /metrics
-        GET /{path:.*}
"""

OF_CALLS = (
    "/api/calls", "/api/callers", "/api/callbacks", "/api/transcripts", "/api/messages", "/api/me/figures",
    "/api/me/phone", "/api/reviews", "/api/me/reviews", "/api/calibrations", "/api/quality", "/api/reports",
    "/api/wall", "/api/alerts", "/api/alert-rules", "/api/staff-messages", "/api/bulletins",
    "/api/announcements", "/api/blocked", "/api/desk", "/api/templates", "/api/admin", "/api/accounts",
    "/api/tokens", "/api/webhooks", "/api/changes",
)  # fmt: skip
"""Addresses of calls, the floor and the system begin so: no person of a unit is let in anywhere below."""


def rights() -> dict[tuple[str, str], frozenset[Role] | None]:
    found: dict[tuple[str, str], frozenset[Role] | None] = {}
    for line in RIGHTS.strip().splitlines():
        letters, method, path = line.split()
        found[method, path] = None if letters == "-" else frozenset(LETTERS[one] for one in letters)
    return found


async def let_in(route: Route, role: Role) -> bool:
    """Ask as somebody of this role, with the address's own guard before a handler that only answers."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response()

    person = Person(login="x", name="甲", role=role, unit="市住建局" if role is Role.UNIT else "")

    async def find(_: str) -> Session:
        return Session(token_hash="", person=person, created_at=0.0, seen_at=0.0)

    app = web.Application()
    deps = SimpleNamespace(accounts=SimpleNamespace(sessions=SimpleNamespace(find=find)), casework=None)
    app[DEPS] = cast(WebDeps, deps)
    request = make_mocked_request(route.method, "/", headers={"Authorization": "Bearer x"}, app=app)
    try:
        await guarded(replace(route, handler=handler))(request)
    except ApiError as refused:
        assert refused.status == 403
        return False
    return True


def test_every_address_stands_in_the_table_and_every_line_has_its_address() -> None:
    assert {(route.method, route.path) for route in ROUTES} == set(rights())


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_an_address_lets_in_the_roles_of_the_table_and_no_other(route: Route) -> None:
    wanted = rights()[route.method, route.path]
    assert {role for role in Role if await let_in(route, role)} == (set(Role) if wanted is None else wanted)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_no_person_of_a_unit_is_let_in_where_calls_the_floor_or_the_system_are(route: Route) -> None:
    if route.path.startswith(OF_CALLS):
        assert route.roles is not None
        assert Role.UNIT not in route.roles
