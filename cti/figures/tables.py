"""Agents' states as rows, so that figures need not read the journal; and the reports that were made."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Double, Index, String, Table, Text, text

from cti.tables import metadata

__all__ = ["agent_states", "metadata", "reports"]

agent_states = Table(
    "agent_states",
    metadata,
    Column("entry_id", String(64), primary_key=True),  # the entry it was read from
    Column("agent_id", String(32), nullable=False),  # login
    Column("at", Double, nullable=False),  # began
    Column("state", String(16), nullable=False),  # acd.messages.AgentState
    Column("reason", String(32), nullable=False, server_default=text("''")),  # with not_ready
    Column("call_id", String(80), nullable=False, server_default=text("''")),  # for which call
    Column("written", Double, nullable=False),  # when the row was made; entries may arrive late
    Index("ix_agent_states_at", "at"),
    Index("ix_agent_states_agent_id_at", "agent_id", "at"),
    Index("ix_agent_states_written", "written"),
)

reports = Table(
    "reports",
    metadata,
    Column("report_id", String(80), primary_key=True),  # kind, days, and a number from the second one on
    Column("kind", String(16), nullable=False),  # cti.reports.specs.Kind
    Column("title", String(100), nullable=False),
    Column("since", Double, nullable=False),  # what it tells of
    Column("until", Double, nullable=False),
    Column("spec", JSON, nullable=False),  # cti.reports.specs.Spec: how it is made again
    Column("made_at", Double, nullable=False),
    Column("made_by", String(32), nullable=False),  # login, or "system"
    Column("data", Text, nullable=False),  # cti.reports.pages.Page as JSON: it never changes
    Column("digest", String(64), nullable=False),  # SHA-256 of data, hex
    Index("ix_reports_since", "since"),
    Index("ix_reports_made_at", "made_at"),
)
