"""Every address of the server, and who may use it. `docs/openapi.yaml` tells the same to programs."""

from __future__ import annotations

from cti.messages import Role
from cti.web import (
    accounts,
    blocked,
    callbacks,
    calls,
    health,
    knowledge,
    messages_left,
    orders,
    quality,
    signing,
    static,
    transcripts,
    visits,
)
from cti.web.guard import Route
from cti.web.socket import connect

__all__ = ["ROUTES"]

ANYBODY = None
EVERYBODY = frozenset(Role)
ON_CALLS = frozenset({Role.AGENT, Role.SUPERVISOR})
ADMINS = frozenset({Role.ADMIN})
IN_CHARGE = frozenset({Role.SUPERVISOR, Role.ADMIN})

ROUTES = (
    Route("POST", "/api/login", signing.login, ANYBODY),
    Route("POST", "/api/logout", signing.logout, EVERYBODY),
    Route("GET", "/api/me", signing.me, EVERYBODY),
    Route("GET", "/api/me/phone", signing.my_phone, EVERYBODY),
    Route("POST", "/api/me/password", signing.my_password, EVERYBODY),
    Route("GET", "/api/ws", connect, EVERYBODY),
    Route("GET", "/api/calls", calls.list_calls, EVERYBODY),
    Route("GET", "/api/calls/{call_id}", calls.one_call, EVERYBODY),
    Route("GET", "/api/calls/{call_id}/transcript", transcripts.transcript, EVERYBODY),
    Route("GET", "/api/calls/{call_id}/transcript/export", transcripts.export_call, EVERYBODY),
    Route("PATCH", "/api/calls/{call_id}/transcript/{line_id}", transcripts.correct_line, ON_CALLS),
    Route("GET", "/api/calls/{call_id}/transcript/{line_id}/corrections", transcripts.corrections, EVERYBODY),
    Route("GET", "/api/calls/{call_id}/recording", calls.recording, EVERYBODY),
    Route("GET", "/api/calls/{call_id}/recording/part", transcripts.recording_part, EVERYBODY),
    Route("GET", "/api/calls/{call_id}/messages", messages_left.list_messages, EVERYBODY),
    Route("GET", "/api/calls/{call_id}/messages/{number}", messages_left.message_audio, EVERYBODY),
    Route("GET", "/api/transcripts", transcripts.find_transcripts, EVERYBODY),
    Route("GET", "/api/transcripts/export", transcripts.export_found, IN_CHARGE),
    Route("GET", "/api/quality/fields", quality.field_accuracy, IN_CHARGE),
    Route("GET", "/api/callers/{number}/history", calls.caller_history, EVERYBODY),
    Route("GET", "/api/callbacks", callbacks.list_callbacks, EVERYBODY),
    Route("POST", "/api/callbacks", callbacks.create_callback, ON_CALLS),
    Route("GET", "/api/callbacks/{callback_id}", callbacks.one_callback, EVERYBODY),
    Route("GET", "/api/callbacks/{callback_id}/history", callbacks.history, EVERYBODY),
    Route("POST", "/api/callbacks/{callback_id}/take", callbacks.take, ON_CALLS),
    Route("POST", "/api/callbacks/{callback_id}/give-up", callbacks.give_up, ON_CALLS),
    Route("POST", "/api/callbacks/{callback_id}/settle", callbacks.settle, ON_CALLS),
    Route("GET", "/api/blocked", blocked.list_blocked, IN_CHARGE),
    Route("POST", "/api/blocked", blocked.put_blocked, IN_CHARGE),
    Route("DELETE", "/api/blocked/{number}", blocked.remove_blocked, IN_CHARGE),
    Route("GET", "/api/blocked/suspects", blocked.suspects, IN_CHARGE),
    Route("GET", "/api/orders", orders.list_orders, EVERYBODY),
    Route("GET", "/api/orders/{order_id}", orders.one_order, EVERYBODY),
    Route("PATCH", "/api/orders/{order_id}/fields", orders.edit_fields, ON_CALLS),
    Route("POST", "/api/orders/{order_id}/submit", orders.submit_order, ON_CALLS),
    Route("POST", "/api/orders/{order_id}/discard", orders.discard_order, ON_CALLS),
    Route("GET", "/api/knowledge", knowledge.find_answers, EVERYBODY),
    Route("GET", "/api/visits", visits.list_visits, IN_CHARGE),
    Route("POST", "/api/visits", visits.plan, IN_CHARGE),
    Route("POST", "/api/visits/matching", visits.plan_matching, IN_CHARGE),
    Route("GET", "/api/visits/campaign", visits.campaign, IN_CHARGE),
    Route("POST", "/api/visits/campaign/pause", visits.pause, IN_CHARGE),
    Route("POST", "/api/visits/campaign/resume", visits.resume, IN_CHARGE),
    Route("GET", "/api/visits/{visit_id}", visits.one_visit, EVERYBODY),
    Route("GET", "/api/visits/{visit_id}/history", visits.history, IN_CHARGE),
    Route("POST", "/api/visits/{visit_id}/cancel", visits.cancel, IN_CHARGE),
    Route("POST", "/api/visits/{visit_id}/result", visits.record, EVERYBODY),
    Route("GET", "/api/accounts", accounts.list_accounts, ADMINS),
    Route("POST", "/api/accounts", accounts.create_account, ADMINS),
    Route("PATCH", "/api/accounts/{login}", accounts.change_account, ADMINS),
    Route("GET", "/api/audit", accounts.read_audit, ADMINS),
    Route("GET", "/healthz", health.alive, ANYBODY),
    Route("GET", "/readyz", health.ready, ANYBODY),
    Route("GET", "/metrics", health.metrics, ANYBODY),
    Route("GET", "/{path:.*}", static.desk, ANYBODY),
)
