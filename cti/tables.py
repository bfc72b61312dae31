"""Tables of the bridge: accounts and sessions, the call journal and what is read from it.

All times are epoch seconds as floats, so that they mean the same in SQLite, PostgreSQL, JSON and Python.
"""

from __future__ import annotations

import json

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
    text,
)
from sqlalchemy.engine import Dialect

__all__ = [
    "accounts",
    "audit",
    "blocked_numbers",
    "call_events",
    "callbacks",
    "calls",
    "edition_drafts",
    "editions",
    "login_failures",
    "metadata",
    "sessions",
    "transcript_corrections",
    "transcript_lines",
    "transcript_marks",
    "visit_switch",
    "visits",
]


class Names(TypeDecorator[list[str]]):
    """A list of names, kept as JSON text: unlike JSON, text has a default that PostgreSQL can compare."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> str:
        """Names -> text."""
        return json.dumps(value or [], ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> list[str]:
        """Text -> names."""
        return list(json.loads(value or "[]"))


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

accounts = Table(
    "accounts",
    metadata,
    Column("login", String(32), primary_key=True),  # lower case; also the agent id
    Column("name", String(64), nullable=False),  # 姓名
    Column("role", String(16), nullable=False),  # cti.messages.Role
    Column("extension", String(8), nullable=False),  # "" for people without a phone
    Column("skills", JSON, nullable=False),  # skill -> level 1..5
    Column("password_hash", String(255), nullable=False),  # argon2id, parameters inside
    Column("team", String(40), nullable=False, server_default=text("''")),  # 班组
    Column("place", String(40), nullable=False, server_default=text("''")),  # centre, "" for the only one
    Column("texts", Integer, nullable=False, server_default="0"),  # text conversations at once
    Column("unit", String(100), nullable=False, server_default=text("''")),  # 承办单位, "" none
    Column("districts", Names, nullable=False, server_default=text("'[]'")),  # 区县 open to them, [] all
    Column("confidential", Boolean, nullable=False, server_default=false()),  # may unmask 举报保密
    Column("active", Boolean, nullable=False),  # False: may not sign in; never deleted, the trail names them
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),  # SHA-256 of the token, hex; the token is nowhere
    Column("login", String(32), ForeignKey("accounts.login"), nullable=False, index=True),
    Column("created_at", Double, nullable=False),  # the absolute limit counts from here
    Column("seen_at", Double, nullable=False, index=True),  # the idle limit counts from here
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("subject", String(80), primary_key=True),  # "login:<login>" or "address:<address>"
    Column("failures", Integer, nullable=False),  # in the current window
    Column("window_start", Double, nullable=False),  # first failure of the window
    Column("locked_until", Double, nullable=False),  # 0 when not locked
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False, index=True),
    Column("who", String(32), nullable=False),  # login, or "system"
    Column("what", String(48), nullable=False),  # account_created, recording_played …
    Column("target", String(80), nullable=False),  # login or call id
    Column("detail", JSON, nullable=False),  # names of what changed; never a password
)

call_events = Table(
    "call_events",
    metadata,
    Column("entry_id", String(64), primary_key=True),  # a second one is refused: replays never double
    Column("call_id", String(80), nullable=False),  # "" for none
    Column("at", Double, nullable=False, index=True),
    Column("kind", String(16), nullable=False),  # cti.messages.EntryKind
    Column("data", JSON, nullable=False),
    Index("ix_call_events_call_id_entry_id", "call_id", "entry_id"),
    Index(
        "ix_call_events_messages",
        "at",
        sqlite_where=text("kind = 'message'"),
        postgresql_where=text("kind = 'message'"),
    ),
)

calls = Table(
    "calls",
    metadata,
    Column("call_id", String(80), primary_key=True),
    Column("caller", String(40), nullable=False),
    Column("called", String(40), nullable=False),
    Column("state", String(16), nullable=False),  # cti.messages.CallState
    Column("queue", String(64), nullable=False),
    Column("queue_title", String(64), nullable=False),
    Column("agent_id", String(32), nullable=True),  # who talked last
    Column("started", Double, nullable=False),
    Column("queued", Double, nullable=True),
    Column("answered", Double, nullable=True),
    Column("ended", Double, nullable=True),
    Column("waited_s", Double, nullable=True),
    Column("rings", Integer, nullable=False),  # agents' phones that rang
    Column("outcome", String(24), nullable=True),  # cti.messages.Outcome
    Column("satisfaction", Integer, nullable=True),  # 1 to 5
    Column("recording_file", String(255), nullable=True),  # relative to the recordings folder
    Column("recording_s", Double, nullable=True),
    Column("recording_bytes", Integer, nullable=True),
    Column("recording_started", Double, nullable=True),
    # from here on cti.figures.fold.Handling, and when the row was written last
    Column("kind", String(16), nullable=False, server_default=text("'inbound'")),  # figures.facts.CallKind
    Column("media", String(8), nullable=False, server_default=text("'voice'")),  # acd.messages.Media
    Column("talk_s", Double, nullable=True),
    Column("hold_s", Double, nullable=True),
    Column("consult_s", Double, nullable=True),
    Column("ring_s", Double, nullable=True),
    Column("missed", Integer, nullable=False, server_default="0"),
    Column("transfers", Integer, nullable=False, server_default="0"),
    Column("native", Boolean, nullable=False, server_default=false()),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("opening", String(16), nullable=False, server_default=text("''")),  # what the calendar said
    Column("staff_ready", Integer, nullable=True),
    Column("staff_busy", Integer, nullable=True),
    Column("staff_away", Integer, nullable=True),
    Column("parts", JSON, nullable=True),  # figures.fold.PartRow of each agent
    Column("written", Double, nullable=False, server_default="0"),
    Index("ix_calls_written", "written"),
    Index("ix_calls_started", "started"),
    Index("ix_calls_caller_started", "caller", "started"),
    Index("ix_calls_agent_id_started", "agent_id", "started"),
)

transcript_lines = Table(
    "transcript_lines",
    metadata,
    Column("call_id", String(80), primary_key=True),
    Column("line_id", String(80), primary_key=True),
    Column("entry_id", String(64), nullable=False),  # the entry it was read from; a later one replaces it
    Column("speaker", String(8), nullable=False),  # citizen, agent or third
    Column("text", Text, nullable=False),  # readable
    Column("verbatim", Text, nullable=False),  # as the recogniser heard it
    Column("start_s", Double, nullable=False),  # seconds into the recording
    Column("end_s", Double, nullable=False),
    Column("confidence", Double, nullable=True),
    Column("words", JSON, nullable=False),  # with times, as the recogniser gave them
    Column("repairs", JSON, nullable=True),  # cti.messages.RepairView each; none in lines of before
    Column("gap", String(16), nullable=False, server_default=text("''")),  # why nobody listened; text is ""
)

transcript_corrections = Table(
    "transcript_corrections",
    metadata,
    Column("call_id", String(80), primary_key=True),
    Column("line_id", String(80), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),  # from 1; the highest stands
    Column("text", Text, nullable=False),  # what was said, as a person heard it
    Column("who", String(32), nullable=False),  # login
    Column("at", Double, nullable=False, index=True),
)

transcript_marks = Table(
    "transcript_marks",
    metadata,
    Column("call_id", String(80), primary_key=True),
    Column("line_id", String(80), primary_key=True),  # 重点: a sentence somebody will look for again
    Column("who", String(32), nullable=False),  # login
    Column("at", Double, nullable=False),
)

callbacks = Table(
    "callbacks",
    metadata,
    Column("callback_id", String(80), primary_key=True),
    Column("entry_id", String(64), nullable=False),  # the entry it was read from; a later one replaces it
    Column("number", String(40), nullable=False),  # normalised; "" when withheld
    Column("diallable", Boolean, nullable=False),  # a machine may dial it
    Column("state", String(16), nullable=False),  # acd.callbacks.CallbackState
    Column("state_since", Double, nullable=False),
    Column("origin", String(16), nullable=False),  # acd.callbacks.Origin
    Column("queue", String(64), nullable=False),
    Column("needs", JSON, nullable=False),  # skill -> minimum level
    Column("priority", Integer, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("since", Double, nullable=False),  # the place in line
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("asked_at", Double, nullable=True),
    Column("wishes", Integer, nullable=False),
    Column("calls", JSON, nullable=False),  # ids of the citizen's calls
    Column("tries", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("not_before", Double, nullable=True),  # next try
    Column("last_result", String(16), nullable=True),  # acd.callbacks.Result
    Column("agent_id", String(32), nullable=True),
    Column("call_id", String(80), nullable=False),  # the call that reached the citizen
    Column("note", Text, nullable=False),
    Column("by", String(32), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("owner", String(40), nullable=False),  # name of the server that has it
    Index("ix_callbacks_state_last_at", "state", "last_at"),
    Index("ix_callbacks_number_last_at", "number", "last_at"),
    Index("ix_callbacks_last_at", "last_at"),
    Index("ix_callbacks_state_state_since", "state", "state_since"),
)

blocked_numbers = Table(
    "blocked_numbers",
    metadata,
    Column("number", String(40), primary_key=True),  # normalised
    Column("kind", String(16), nullable=False),  # cti.blocked.BlockKind
    Column("reason", String(200), nullable=False),
    Column("since", Double, nullable=False),  # in force from
    Column("until", Double, nullable=True),  # in force before; NULL: until it is taken off
    Column("who", String(32), nullable=False),  # login of who entered it
    Column("changed_at", Double, nullable=False),
)

visits = Table(
    "visits",
    metadata,
    Column("visit_id", String(80), primary_key=True),
    Column("entry_id", String(64), nullable=False),  # the entry it was read from; a later one replaces it
    Column("order_id", String(80), nullable=False),
    Column("order_number", String(30), nullable=False),
    Column("number", String(40), nullable=False),  # normalised
    Column("state", String(16), nullable=False),  # orders.visits.VisitState
    Column("state_since", Double, nullable=False),
    Column("planned_at", Double, nullable=False),
    Column("due_at", Double, nullable=False),  # not before
    Column("by", String(64), nullable=False),  # login of who planned it
    Column("tries", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("last_result", String(16), nullable=True),  # orders.visits.Result
    Column("call_id", String(80), nullable=False),  # the newest call
    Column("calls", JSON, nullable=False),  # ids of all of them
    Column("answers", JSON, nullable=False),  # orders.visits.Answers
    Column("silent", Boolean, nullable=False),
    Column("recorded_by", String(80), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("owner", String(40), nullable=False),  # name of the server that moved it last
    Index("ix_visits_state_due_at", "state", "due_at"),
    Index("ix_visits_order_id", "order_id"),
    Index("ix_visits_planned_at", "planned_at"),
    Index("ix_visits_state_since", "state_since"),
)

visit_switch = Table(
    "visit_switch",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("paused", Boolean, nullable=False),  # no robot calls are begun
    Column("who", String(32), nullable=False),  # login of who said so
    Column("changed_at", Double, nullable=False),
)


editions = Table(
    "editions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),  # the order in which they were published
    Column("kind", String(64), nullable=False),  # policy, numbers, calendar, directory, flow:…, prompt:…
    Column("number", Integer, nullable=False),  # from 1 for each kind; the highest is in force
    Column("text", Text, nullable=False),  # the whole document
    Column("audio", LargeBinary, nullable=True),  # of a prompt: WAV, 8 kHz mono PCM16
    Column("removed", Boolean, nullable=False),  # the document is taken away
    Column("base", Integer, nullable=False),  # the edition that was changed; 0: none
    Column("origin", String(8), nullable=False),  # cti.editions.Origin
    Column("author", String(32), nullable=False),  # login, or "system"
    Column("reason", String(200), nullable=False),
    Column("at", Double, nullable=False),
    Index("uq_editions_kind_number", "kind", "number", unique=True),
)

edition_drafts = Table(
    "edition_drafts",
    metadata,
    Column("kind", String(64), primary_key=True),
    Column("author", String(32), primary_key=True),  # login; everybody has a draft of their own
    Column("text", Text, nullable=False),
    Column("base", Integer, nullable=False),  # the edition that it began with
    Column("at", Double, nullable=False),  # last saved
)

staff_messages = Table(
    "staff_messages",
    metadata,
    Column("message_id", String(64), primary_key=True),
    Column("by", String(32), nullable=False),  # login of the supervisor
    Column("by_name", String(64), nullable=False),
    Column("to_all", Boolean, nullable=False),
    Column("recipients", Text, nullable=False),  # logins with blanks around each; "" with to_all
    Column("text", Text, nullable=False),
    Column("at", Double, nullable=False, index=True),
    Column("urgent", Boolean, nullable=False),
)

staff_message_reads = Table(
    "staff_message_reads",
    metadata,
    Column("message_id", String(64), primary_key=True),
    Column("login", String(32), primary_key=True),
    Column("at", Double, nullable=False),
)
