"""Tables of reviews. Times are epoch seconds."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Double, Index, Integer, String, Table, Text, UniqueConstraint

from cti.tables import metadata

__all__ = [
    "metadata",
    "quality_calibrations",
    "quality_documents",
    "quality_marks",
    "quality_moves",
    "quality_reviews",
    "quality_talks",
]

quality_documents = Table(
    "quality_documents",
    metadata,
    Column("kind", String(16), primary_key=True),  # "sheet" or "rules"
    Column("version", Integer, primary_key=True, autoincrement=False),  # from 1; 0 is what is shipped
    Column("text", Text, nullable=False),  # YAML
    Column("who", String(32), nullable=False),  # login
    Column("reason", String(200), nullable=False),
    Column("at", Double, nullable=False),
)

quality_talks = Table(
    "quality_talks",
    metadata,
    Column("call_id", String(80), primary_key=True),
    Column("agent_id", String(32), primary_key=True),
    Column("began", Double, nullable=False),
    Column("talk_s", Double, nullable=False),
    Column("satisfaction", Integer, nullable=True),
    Column("mos", Double, nullable=True),  # worst of the agent's leg
    Column("traits", JSON, nullable=True),  # cti.quality.traits.TalkTraits; NULL without a transcript
    Column("looked_at", Double, nullable=False),
    Index("ix_quality_talks_began", "began"),
)

quality_reviews = Table(
    "quality_reviews",
    metadata,
    Column("review_id", String(40), primary_key=True),
    Column("call_id", String(80), nullable=False),
    Column("agent_id", String(32), nullable=False),
    Column("state", String(16), nullable=False),  # cti.quality.reviews.ReviewState
    Column("since", Double, nullable=False),
    Column("picked_at", Double, nullable=False),
    Column("drawn", Boolean, nullable=False),  # by chance, not found by a rule or by hand
    Column("version", Integer, nullable=False),
    Column("reviewer", String(32), nullable=False),
    Column("total", Double, nullable=True),
    Column("scored_at", Double, nullable=True),
    Column("data", JSON, nullable=False),  # cti.quality.reviews.Review, whole
    UniqueConstraint("call_id", "agent_id"),
    Index("ix_quality_reviews_state_since", "state", "since"),
    Index("ix_quality_reviews_agent_id_scored_at", "agent_id", "scored_at"),
)

quality_moves = Table(
    "quality_moves",
    metadata,
    Column("review_id", String(40), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),  # of the review after it
    Column("at", Double, nullable=False),
    Column("data", JSON, nullable=False),  # cti.quality.reviews.Move
)

quality_calibrations = Table(
    "quality_calibrations",
    metadata,
    Column("calibration_id", String(40), primary_key=True),
    Column("call_id", String(80), nullable=False),
    Column("agent_id", String(32), nullable=False),
    Column("sheet", Integer, nullable=False),  # version of the sheet
    Column("who", String(32), nullable=False),  # login of who called for it
    Column("at", Double, nullable=False),
    Column("reviewers", JSON, nullable=False),  # logins
    Column("closed_at", Double, nullable=True),  # all have scored, or it was closed
    Index("ix_quality_calibrations_at", "at"),
)

quality_marks = Table(
    "quality_marks",
    metadata,
    Column("calibration_id", String(40), primary_key=True),
    Column("reviewer", String(32), primary_key=True),
    Column("marks", JSON, nullable=False),  # cti.quality.sheets.Marks
    Column("total", Double, nullable=False),
    Column("at", Double, nullable=False),
)
