"""Triggers: the database itself notes every change of a call, its words or an order, whoever writes it.

A note is written in the transaction of what it tells of, so none is missing and none is of something that was
rolled back. In PostgreSQL it carries the transaction's number: transactions end in another order than they
begin, and a reader must not pass over one that is still open (see `cti.changes`).
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from orders.chain import KINDS
from orders.course_events import ClockPaused, ClockResumed, ClocksSet, CourseEvent

__all__ = ["install"]

_ASIDE = (ClocksSet, ClockPaused, ClockResumed)
"""What happens to clocks because of a move is not told beside the move."""

_CHANGED = (("call", "calls", "call_id"), ("transcript", "transcript_lines", "call_id"),
            ("transcript", "transcript_corrections", "call_id"), ("order", "orders", "id"),
            ("order", "clock_crossings", "order_id"))  # fmt: skip
"""Kind, table, and the column that names the object."""
_OTHERS = ", ".join(
    f"'{name}'" for name, event in KINDS.items() if not issubclass(event, CourseEvent) or event in _ASIDE
)
_MOVED = f"NEW.kind NOT IN ({_OTHERS})"
_HAPPENED = (
    ("call.ended", "call_events", "call_id", "at", "NEW.kind = 'call_state' AND {state} = 'ended'"),
    ("call.rated", "call_events", "call_id", "at", "NEW.kind = 'rating'"),
    ("order.submitted", "order_events", "order_id", "at", "NEW.kind = 'order_submitted'"),
    ("order.discarded", "order_events", "order_id", "at", "NEW.kind = 'order_discarded'"),
    ("order.visited", "order_events", "order_id", "at", "NEW.kind = 'visit_recorded'"),
    ("order.moved", "order_events", "order_id", "at", _MOVED),
    ("order.near", "clock_crossings", "order_id", "at", "NEW.level = 1 AND NOT NEW.overtaken"),
    ("order.late", "clock_crossings", "order_id", "at", "NEW.level = 2 AND NOT NEW.overtaken"),
    ("order.gravely_late", "clock_crossings", "order_id", "at", "NEW.level = 3"),
    ("call.started", "calls", "call_id", "started", "1 = 1"),
    ("callback.created", "callbacks", "callback_id", "first_at", "1 = 1"),
    ("alert.raised", "alerts", "alert_id", "since", "1 = 1"),
    ("topic.raised", "alerts", "alert_id", "since", "NEW.figure = 'live.topics_high'"),
    ("burst.found", "bursts", "burst_id", "since", "1 = 1"),
)
"""Kind, table, the columns that name the object and the time, and which new rows count."""
_BECAME = (
    ("call.answered", "calls", "call_id", "answered", "answered", None),
    ("callback.done", "callbacks", "callback_id", "state_since", "state", "done"),
    ("callback.given_up", "callbacks", "callback_id", "state_since", "state", "given_up"),
    ("callback.withdrawn", "callbacks", "callback_id", "state_since", "state", "withdrawn"),
    ("alert.cleared", "alerts", "alert_id", "until", "until", None),
    ("announcement.published", "announcements", "announcement_id", "approved_at", "approved_at", None),
)
"""Kind, table, the columns that name the object and the time, and the column that becomes something (None:
anything at all, which was nothing before)."""


def install(connection: Connection) -> None:
    """Make the triggers that are missing: at first, and after a table was made anew."""
    sqlite = connection.dialect.name == "sqlite"
    listed = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'" if sqlite else "SELECT tgname FROM pg_trigger"
    )
    there = set(connection.execute(text(listed)).scalars())
    for kind, table, ref in _CHANGED:
        for what in ("insert", "update"):
            name = f"note_{table}_{what}"
            if name not in there:
                _note_change(connection, name, kind, table, ref, what, sqlite=sqlite)
    for kind, table, ref, at, when in _HAPPENED:
        name = f"tell_{kind.replace('.', '_')}"
        if name not in there:
            state = "json_extract(NEW.data, '$.state')" if sqlite else "NEW.data->>'state'"
            _tell(connection, name, kind, table, ref, at, when.format(state=state), sqlite=sqlite)
    for kind, table, ref, at, column, value in _BECAME:
        is_so = f"NEW.{column} IS NOT NULL" if value is None else f"NEW.{column} = '{value}'"
        was_not = f"OLD.{column} IS NULL" if value is None else f"OLD.{column} <> '{value}'"
        for what, when in (("insert", is_so), ("update", f"{was_not} AND {is_so}")):
            name = f"tell_{kind.replace('.', '_')}_{what}"
            if name not in there:
                _tell(connection, name, kind, table, ref, at, when, what=what, sqlite=sqlite)


def _note_change(
    connection: Connection, name: str, kind: str, table: str, ref: str, what: str, *, sqlite: bool
) -> None:
    new = f"'{kind}', NEW.{ref}"
    if sqlite:
        following = "(SELECT COALESCE(MAX(id), 0) + 1 FROM changes)"
        same = f"kind = '{kind}' AND ref = NEW.{ref}"
        connection.execute(
            text(
                f"CREATE TRIGGER {name} AFTER {what.upper()} ON {table} BEGIN "  # noqa: S608 - our own words
                f"UPDATE changes SET id = {following} WHERE {same}; "
                f"INSERT INTO changes (id, tx, kind, ref) SELECT {following}, 0, {new} "
                f"WHERE NOT EXISTS (SELECT 1 FROM changes WHERE {same}); END"
            )
        )
        return
    body = (
        f"INSERT INTO changes (tx, kind, ref) VALUES (txid_current(), {new}) "  # noqa: S608 - our own words
        "ON CONFLICT (kind, ref) DO UPDATE SET id = nextval(pg_get_serial_sequence('changes', 'id')), "
        "tx = excluded.tx"
    )
    _postgresql(connection, name, table, what, "1 = 1", body)


def _tell(
    connection: Connection,
    name: str,
    kind: str,
    table: str,
    ref: str,
    at: str,
    when: str,
    *,
    what: str = "insert",
    sqlite: bool,
) -> None:
    into = "INSERT INTO hook_events (tx, kind, ref, at) VALUES"
    if sqlite:
        connection.execute(
            text(
                f"CREATE TRIGGER {name} AFTER {what.upper()} ON {table} WHEN {when} BEGIN "
                f"{into} (0, '{kind}', NEW.{ref}, NEW.{at}); END"
            )
        )
        return
    body = f"{into} (txid_current(), '{kind}', NEW.{ref}, NEW.{at})"
    _postgresql(connection, name, table, what, when, body)


def _postgresql(connection: Connection, name: str, table: str, what: str, when: str, body: str) -> None:
    connection.execute(
        text(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {body}; RETURN NULL; END $$"
        )
    )
    connection.execute(
        text(
            f"CREATE TRIGGER {name} AFTER {what.upper()} ON {table} FOR EACH ROW WHEN ({when}) "
            f"EXECUTE FUNCTION {name}()"
        )
    )
