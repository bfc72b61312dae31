"""Addresses of the administration pages; what somebody may change of them is in `admin_rights`."""

from __future__ import annotations

from cti.messages import Role
from cti.web import admin, admin_changes, admin_flows, admin_people, admin_prompts, admin_settings
from cti.web.admin_rights import RIGHTS
from cti.web.guard import Route

__all__ = ["ADMIN_ROUTES"]

ADMINS = RIGHTS["account"]
IN_CHARGE = frozenset({Role.SUPERVISOR, Role.ADMIN})
DOCUMENT = "/api/admin/documents/{kind}"
PROMPT = "/api/admin/prompts/{key}"

ADMIN_ROUTES = (
    Route("GET", "/api/admin/documents", admin.list_documents, IN_CHARGE),
    Route("GET", DOCUMENT, admin.one_document, IN_CHARGE),
    Route("PUT", f"{DOCUMENT}/draft", admin.draft, IN_CHARGE),
    Route("DELETE", f"{DOCUMENT}/draft", admin.drop_draft, IN_CHARGE),
    Route("GET", f"{DOCUMENT}/editions", admin.editions, IN_CHARGE),
    Route("GET", f"{DOCUMENT}/editions/{{number}}", admin.one_edition, IN_CHARGE),
    Route("GET", f"{DOCUMENT}/difference", admin.show_difference, IN_CHARGE),
    Route("POST", f"{DOCUMENT}/back", admin.back, IN_CHARGE),
    Route("POST", "/api/admin/check", admin.check, IN_CHARGE),
    Route("POST", "/api/admin/publish", admin.publish, IN_CHARGE),
    Route("POST", "/api/admin/flows/draw", admin_flows.draw_flow, IN_CHARGE),
    Route("POST", "/api/admin/flows/play", admin_flows.play_flow, IN_CHARGE),
    Route("POST", "/api/admin/policy/try", admin_flows.try_policy, IN_CHARGE),
    Route("POST", "/api/admin/calendar/days", admin_flows.calendar_days, IN_CHARGE | {Role.CLERK}),
    Route("POST", "/api/admin/calendar/text", admin_flows.calendar_text, RIGHTS["calendar"]),
    Route("GET", "/api/admin/prompts", admin_prompts.list_prompts, IN_CHARGE),
    Route("GET", f"{PROMPT}/audio", admin_prompts.hear_prompt, IN_CHARGE),
    Route("POST", f"{PROMPT}/speak", admin_prompts.speak_prompt, RIGHTS["prompt"]),
    Route("PUT", PROMPT, admin_prompts.publish_prompt, RIGHTS["prompt"]),
    Route("GET", "/api/admin/people", admin_people.list_people, IN_CHARGE),
    Route("POST", "/api/admin/people/import", admin_people.import_people, ADMINS),
    Route("PUT", "/api/admin/people/{login}/skills", admin_people.set_skills, RIGHTS["skills"]),
    Route("POST", "/api/admin/people/{login}/sign-out", admin_people.end_sessions, ADMINS),
    Route("GET", "/api/admin/settings", admin_settings.list_settings, RIGHTS["settings"]),
    Route("GET", "/api/admin/changes", admin_changes.list_changes, RIGHTS["changes"]),
    Route("POST", "/api/admin/changes/{change_id}/back", admin_changes.back, RIGHTS["changes"]),
    Route("GET", "/api/admin/changes/export", admin_changes.export_changes, RIGHTS["changes"]),
)
