"""The description of the API is complete and true: routes, roles' errors, enums and shapes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from acd.callbacks import CallbackState, Origin, Result, Wish, wanted
from acd.phone_numbers import read_number
from cti.accounts import Account
from cti.audit import AuditRow
from cti.blocked import BlockedNumber, BlockKind, Suspect
from cti.call_records import CallRecord, TranscriptLine
from cti.callback_records import CallbackMove
from cti.changes import ChangeKind
from cti.control.places import Place
from cti.control.pop import PopView, SameMatter
from cti.control.visit_desk import Campaign
from cti.editions import Edition
from cti.messages import CallState, Outcome, Role
from cti.ports import Person
from cti.tokens import ApiToken, Scope
from cti.transcript_files import FileFormat
from cti.transcripts import Correction
from cti.visit_records import VisitMove, VisitSwitch
from cti.watch_words import WatchGroup
from cti.web import (
    PhoneAccount,
    accounts,
    admin,
    admin_changes,
    admin_flows,
    admin_people,
    admin_prompts,
    blocked,
    callbacks,
    calls,
    changes,
    desk,
    knowledge,
    messages_left,
    order_links,
    orders,
    places,
    quality,
    signing,
    systems,
    transcripts,
    visits,
)
from cti.web.messages_left import LeftMessage
from cti.web.routes import ROUTES
from cti.web.scopes import SCOPES
from cti.web.socket import LinkQuery
from cti.webhooks import Delivery, DeliveryState, HookKind, Webhook
from orders.knowledge_feedback import Counted, Miss
from orders.messages import Draft, FieldValue, OrderField, OrderLink, OrderState, OrderVisit, Solved
from orders.records import Order
from orders.templates import Template
from orders.visits import Answers, VisitState, planned
from orders.visits import Result as VisitResult

DOCUMENT: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[3] / "docs" / "openapi.yaml").read_text(encoding="utf-8")
)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def operation(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method.lower()]
    return found


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference inside the document."""
    while "$ref" in node:
        found = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def nodes(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def test_the_document_describes_exactly_the_routes_of_the_server() -> None:
    described = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    served = {(route.method, re.sub(r":\.\*", "", route.path)) for route in ROUTES}
    assert described == served


def test_every_reference_leads_somewhere() -> None:
    references = [node for node in nodes(DOCUMENT) if "$ref" in node]
    assert len(references) > 50
    for reference in references:
        assert isinstance(resolve(reference), dict)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_who_must_be_signed_in_is_told(route: Any) -> None:
    told = operation(route.method, re.sub(r":\.\*", "", route.path))
    if route.roles is None:
        assert told["security"] == []
    else:
        assert "security" not in told
        assert "401" in told["responses"]
        if route.roles != frozenset(Role):
            assert "403" in told["responses"]


@pytest.mark.parametrize(
    ("name", "enum"),
    [
        ("Role", Role),
        ("Outcome", Outcome),
        ("CallState", CallState),
        ("OrderState", OrderState),
        ("OrderField", OrderField),
        ("CallbackState", CallbackState),
        ("CallbackOrigin", Origin),
        ("CallbackResult", Result),
        ("BlockKind", BlockKind),
        ("VisitState", VisitState),
        ("VisitResult", VisitResult),
        ("FileFormat", FileFormat),
        ("Solved", Solved),
        ("Scope", Scope),
        ("ChangeKind", ChangeKind),
        ("HookKind", HookKind),
        ("DeliveryState", DeliveryState),
    ],
)
def test_enumerations_are_those_of_the_code(name: str, enum: type[StrEnum]) -> None:
    assert SCHEMAS[name]["enum"] == [member.value for member in enum]


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("Account", Account),
        ("AuditRow", AuditRow),
        ("Edition", Edition),
        ("TranscriptLine", TranscriptLine),
        ("LeftMessage", LeftMessage),
        ("PhoneAccount", PhoneAccount),
        ("Me", signing.Me),
        ("FieldValue", FieldValue),
        ("CallbackMove", CallbackMove),
        ("BlockedNumber", BlockedNumber),
        ("VisitMove", VisitMove),
        ("VisitSwitch", VisitSwitch),
        ("VisitCampaign", Campaign),
        ("VisitAnswers", Answers),
        ("OrderVisit", OrderVisit),
        ("Suspect", Suspect),
        ("Correction", Correction),
        ("FieldCounts", quality.FieldCounts),
        ("HookDelivery", Delivery),
        ("OrderLink", OrderLink),
        ("Template", Template),
        ("WatchGroup", WatchGroup),
        ("Counted", Counted),
        ("Miss", Miss),
        ("PopView", PopView),
        ("SameMatter", SameMatter),
        ("Place", Place),
    ],
)
def test_objects_have_the_members_of_the_code(name: str, example: type[Any]) -> None:
    names = (
        {field.name for field in dataclasses.fields(example)} if dataclasses.is_dataclass(example) else set()
    )
    assert set(SCHEMAS[name]["properties"]) == (names or set(example.__struct_fields__))
    assert set(SCHEMAS[name]["required"]) == set(SCHEMAS[name]["properties"])


def test_a_call_has_the_members_that_are_sent() -> None:
    sent = calls.call_body(CallRecord(call_id="c1"))
    assert set(SCHEMAS["Call"]["properties"]) == set(SCHEMAS["Call"]["required"]) == set(sent)


def test_a_call_back_has_the_members_that_are_sent() -> None:
    wish = Wish(origin=Origin.PERSON, number=read_number("13800000001"), queue="general", since=0.0)
    person = Person(login="li", name="李芳", role=Role.AGENT)
    sent = callbacks.callback_body(wanted("cb1", wish, 0.0), person)
    assert set(SCHEMAS["Callback"]["properties"]) == set(SCHEMAS["Callback"]["required"]) == set(sent)


def test_a_visit_has_the_members_that_are_sent() -> None:
    visit = planned("v1", order_id="o1", order_number="1", number="138", due_at=0.0, by="boss", now=0.0)
    sent = visits.visit_body(visit, Person(login="li", name="李芳", role=Role.AGENT))
    assert set(SCHEMAS["Visit"]["properties"]) == set(SCHEMAS["Visit"]["required"]) == set(sent)


def test_an_order_has_the_members_that_are_sent() -> None:
    draft = Draft(order_id="o1", call_id="c1", version=1)
    sent = orders.order_body(Order(draft=draft, caller="", agent="", created_at=0.0, updated_at=0.0))
    assert set(SCHEMAS["Order"]["properties"]) == set(SCHEMAS["Order"]["required"]) == set(sent)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/calls", calls.CallsQuery),
        ("/api/callers/{number}/history", calls.HistoryQuery),
        ("/api/orders", orders.OrdersQuery),
        ("/api/places", places.PlacesQuery),
        ("/api/messages", messages_left.MessagesQuery),
        ("/api/templates", desk.TemplatesQuery),
        ("/api/knowledge/misses", knowledge.MissesQuery),
        ("/api/transcripts", transcripts.TranscriptsQuery),
        ("/api/transcripts/export", transcripts.ExportQuery),
        ("/api/calls/{call_id}/recording/part", transcripts.PartQuery),
        ("/api/quality/fields", quality.AccuracyQuery),
        ("/api/audit", accounts.AuditQuery),
        ("/api/callbacks", callbacks.CallbacksQuery),
        ("/api/blocked", blocked.BlockedQuery),
        ("/api/visits", visits.VisitsQuery),
        ("/api/changes", changes.ChangesQuery),
        ("/api/webhooks/{webhook_id}/deliveries", systems.DeliveriesQuery),
        ("/api/ws", LinkQuery),
        ("/api/admin/documents/{kind}/editions", admin.EditionsQuery),
        ("/api/admin/documents/{kind}/difference", admin.DifferenceQuery),
        ("/api/admin/prompts/{key}/audio", admin_prompts.HearQuery),
        ("/api/admin/changes", admin_changes.ChangesQuery),
        ("/api/admin/changes/export", admin_changes.ExportChangesQuery),
    ],
)
def test_query_keys_are_those_of_the_code(path: str, query: type[msgspec.Struct]) -> None:
    parameters = [resolve(one) for one in operation("GET", path)["parameters"]]
    assert {one["name"] for one in parameters if one["in"] == "query"} == set(query.__struct_fields__)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/login", signing.LoginBody),
        ("POST", "/api/me/password", signing.PasswordBody),
        ("PATCH", "/api/orders/{order_id}/fields", orders.FieldsBody),
        ("POST", "/api/orders/{order_id}/discard", orders.DiscardBody),
        ("PATCH", "/api/calls/{call_id}/transcript/{line_id}", transcripts.CorrectionBody),
        ("POST", "/api/accounts", accounts.NewAccount),
        ("POST", "/api/callbacks", callbacks.NewCallback),
        ("POST", "/api/callbacks/{callback_id}/give-up", callbacks.GiveUpBody),
        ("POST", "/api/blocked", blocked.BlockedBody),
        ("POST", "/api/visits", visits.PlanBody),
        ("POST", "/api/visits/matching", visits.PlanMatchingBody),
        ("POST", "/api/visits/{visit_id}/cancel", visits.CancelBody),
        ("POST", "/api/visits/{visit_id}/result", visits.ResultBody),
        ("PATCH", "/api/accounts/{login}", accounts.AccountChange),
        ("POST", "/api/tokens", systems.NewToken),
        ("POST", "/api/tokens/{token_id}/revoke", systems.RevokeBody),
        ("POST", "/api/webhooks", systems.NewWebhook),
        ("PATCH", "/api/webhooks/{webhook_id}", systems.WebhookChange),
        ("PUT", "/api/admin/documents/{kind}/draft", admin.DraftBody),
        ("POST", "/api/admin/documents/{kind}/back", admin.BackBody),
        ("POST", "/api/admin/check", admin.CheckBody),
        ("POST", "/api/admin/publish", admin.PublishBody),
        ("POST", "/api/admin/changes/{change_id}/back", admin_changes.BackBody),
        ("PUT", "/api/templates/{template_id}", desk.TemplateBody),
        ("POST", "/api/admin/flows/draw", admin_flows.DrawBody),
        ("POST", "/api/admin/flows/play", admin_flows.PlayBody),
        ("POST", "/api/admin/policy/try", admin_flows.TryBody),
        ("POST", "/api/admin/calendar/days", admin_flows.DaysBody),
        ("POST", "/api/admin/calendar/text", admin_flows.CalendarBody),
        ("POST", "/api/admin/prompts/{key}/speak", admin_prompts.SpeakBody),
        ("POST", "/api/admin/people/import", admin_people.ImportBody),
        ("PUT", "/api/admin/people/{login}/skills", admin_people.SkillsBody),
        ("POST", "/api/admin/people/{login}/sign-out", admin_people.EndBody),
        ("POST", "/api/orders/{order_id}/links", order_links.LinkBody),
        ("POST", "/api/orders/{order_id}/merge", order_links.MergeBody),
        ("PUT", "/api/knowledge/{article_id}/verdict", knowledge.VerdictBody),
        ("POST", "/api/knowledge/misses", knowledge.MissBody),
        ("PUT", "/api/calls/{call_id}/transcript/{line_id}/mark", transcripts.MarkBody),
    ],
)
def test_bodies_have_the_members_of_the_code(method: str, path: str, body: type[msgspec.Struct]) -> None:
    schema = operation(method, path)["requestBody"]["content"]["application/json"]["schema"]
    required = {field.name for field in msgspec.structs.fields(body) if field.required}
    assert set(schema["properties"]) == set(body.__struct_fields__)
    assert set(schema.get("required", [])) == required
    assert schema["additionalProperties"] is False


def test_a_token_and_a_webhook_have_the_members_that_are_sent() -> None:
    token = ApiToken(
        token_id="t",
        name="n",
        scopes=(Scope.CALLS_READ,),
        per_minute=1,
        created_by="li",
        created_at=0.0,
        expires_at=None,
        revoked_at=None,
        used_at=None,
    )
    webhook = Webhook(
        webhook_id="w",
        title="t",
        url="https://a",
        kinds=(HookKind.CALL_ENDED,),
        active=True,
        created_by="li",
        created_at=0.0,
        after_tx=0,
        after_id=0,
        tries=0,
        next_at=0.0,
        status="",
    )
    for name, sent in (
        ("ApiToken", systems.token_body(token, 0.0)),
        ("Webhook", systems.webhook_body(webhook)),
    ):
        assert set(SCHEMAS[name]["properties"]) == set(SCHEMAS[name]["required"]) == set(sent)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_part_of_an_address_is_described_as_a_parameter(route: Any) -> None:
    path = re.sub(r":\.\*", "", route.path)
    told = [resolve(one) for one in operation(route.method, path).get("parameters", [])]
    assert {one["name"] for one in told if one["in"] == "path"} >= set(re.findall(r"\{(\w+)\}", path)) - {
        "path"
    }


def test_the_scopes_that_open_an_address_to_a_token_are_told_there() -> None:
    described = {
        (method.upper(), path): set(told.get("x-scopes", ()))
        for path, item in DOCUMENT["paths"].items()
        for method, told in item.items()
    }
    for (method, path), needed in SCOPES.items():
        assert described.pop((method, path)) == set(needed)
    assert not any(described.values())
    assert set(SCOPES) <= {(route.method, route.path) for route in ROUTES}


def test_lists_that_grow_for_ever_are_given_in_parts() -> None:
    for path in ("/api/calls", "/api/orders", "/api/callbacks", "/api/visits", "/api/transcripts"):
        names = {resolve(one)["name"] for one in operation("GET", path)["parameters"]}
        assert {"page", "size"} <= names, path
    for path in ("/api/changes", "/api/audit", "/api/webhooks/{webhook_id}/deliveries"):
        names = {resolve(one)["name"] for one in operation("GET", path)["parameters"]}
        assert "limit" in names, path


def test_every_error_code_of_the_code_is_told_and_no_other() -> None:
    folder = Path(signing.__file__).parent
    used: set[str] = set()
    for source in folder.glob("*.py"):
        used |= set(
            re.findall(r'ApiError\(\s*(?:\d{3}|error\.status),\s*"([a-z_]+)"', source.read_text("utf-8"))
        )
    assert set(SCHEMAS["Error"]["properties"]["error"]["properties"]["code"]["enum"]) == used
