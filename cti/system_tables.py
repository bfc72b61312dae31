"""Tables for a city's other systems: tokens, what changed, events and where they are told, answers kept."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from cti.tables import metadata

__all__ = [
    "api_tokens",
    "changes",
    "hook_deliveries",
    "hook_events",
    "idempotency_keys",
    "metadata",
    "webhooks",
]

_GROWING = BigInteger().with_variant(Integer, "sqlite")

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("token_id", String(16), primary_key=True),
    Column("name", String(24), nullable=False),  # which system
    Column("secret_hash", String(64), nullable=False),  # SHA-256 of the token, hex; the token is nowhere
    Column("scopes", JSON, nullable=False),  # cti.tokens.Scope each
    Column("per_minute", Integer, nullable=False),  # requests
    Column("created_by", String(32), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=True),
    Column("revoked_at", Double, nullable=True),
    Column("used_at", Double, nullable=True),  # to the minute
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key_hash", String(64), primary_key=True),  # of who, where and the key
    Column("request_hash", String(64), nullable=False),  # of the body
    Column("status", Integer, nullable=False),  # 0: being worked on
    Column("body", Text, nullable=False),
    Column("at", Double, nullable=False, index=True),
)

changes = Table(
    "changes",
    metadata,
    Column("id", _GROWING, primary_key=True, autoincrement=True),  # grows with every change
    Column("tx", BigInteger, nullable=False),  # PostgreSQL's transaction, 0 in SQLite
    Column("kind", String(16), nullable=False),  # cti.changes.ChangeKind
    Column("ref", String(80), nullable=False),  # call or order
    UniqueConstraint("kind", "ref"),  # only the newest change of each is kept
    Index("ix_changes_tx_id", "tx", "id"),
)

hook_events = Table(
    "hook_events",
    metadata,
    Column("id", _GROWING, primary_key=True, autoincrement=True),
    Column("tx", BigInteger, nullable=False),
    Column("kind", String(24), nullable=False),  # cti.webhooks.HookKind
    Column("ref", String(80), nullable=False),
    Column("at", Double, nullable=False, index=True),
    Index("ix_hook_events_tx_id", "tx", "id"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("webhook_id", String(16), primary_key=True),
    Column("title", String(40), nullable=False),
    Column("url", String(500), nullable=False),
    Column("kinds", JSON, nullable=False),  # cti.webhooks.HookKind each
    Column("active", Boolean, nullable=False),
    Column("created_by", String(32), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("after_tx", BigInteger, nullable=False),  # everything up to here is told, or given up
    Column("after_id", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),  # of the event that is next
    Column("next_at", Double, nullable=False),  # not tried before
    Column("status", String(80), nullable=False),  # of the last try
)

hook_deliveries = Table(
    "hook_deliveries",
    metadata,
    Column("webhook_id", String(16), primary_key=True),
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(24), nullable=False),
    Column("ref", String(80), nullable=False),
    Column("at", Double, nullable=False),  # when it happened
    Column("state", String(12), nullable=False),  # cti.webhooks.DeliveryState
    Column("tries", Integer, nullable=False),
    Column("status", String(80), nullable=False),  # what the receiver answered last
    Column("told_at", Double, nullable=False, index=True),  # last try
)
