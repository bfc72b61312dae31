"""Tables beside accepted orders: what came without a call, files, and what citizens are told."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, String, Table, UniqueConstraint, text

from cti.tables import metadata

__all__ = ["attachments", "intake", "intake_days", "metadata", "notice_place", "notice_replies", "notices"]

intake = Table(
    "intake",
    metadata,
    Column("order_id", String(80), primary_key=True),  # the order that the request makes
    Column("receipt", String(24), nullable=False),  # 登记号
    Column("system", String(40), nullable=False),  # which system it comes from, "" for people and the page
    Column("external_id", String(100), nullable=True),  # its id there
    Column("content_hash", String(64), nullable=False),  # of what was given with the request's key
    Column("who", String(64), nullable=False),  # login, "api:<token>" or "citizen"
    Column("at", Double, nullable=False),  # receipt, epoch seconds
    UniqueConstraint("receipt"),
    UniqueConstraint("system", "external_id"),
    Index("ix_intake_at", "at"),
)

intake_days = Table(
    "intake_days",
    metadata,
    Column("day", String(8), primary_key=True),  # YYYYMMDD
    Column("last", Integer, nullable=False),  # the last receipt given out on that day
)

attachments = Table(
    "attachments",
    metadata,
    Column("attachment_id", String(32), primary_key=True),
    Column("order_id", String(80), nullable=False),
    Column("name", String(200), nullable=False),  # as whoever sent it calls it
    Column("kind", String(12), nullable=False),  # by its content: orders.file_types.MEDIA_TYPES
    Column("size", BigInteger, nullable=False),  # bytes
    Column("digest", String(64), nullable=False),  # SHA-256 of its content, and where it lies
    Column("who", String(64), nullable=False),  # login, "api:<token>" or "citizen"
    Column("at", Double, nullable=False),  # upload, epoch seconds
    Column("state", String(12), nullable=False),  # cti.casework.attachments.ScanState
    Column("scanned_at", Double, nullable=True),
    Column("note", String(80), nullable=False),  # what the scanner said
    Index("ix_attachments_order_id_at", "order_id", "at"),
    Index("ix_attachments_state_at", "state", "at"),
    Index("ix_attachments_digest", "digest"),
)

notices = Table(
    "notices",
    metadata,
    Column(
        "notice_id", String(200), primary_key=True
    ),  # template, round, order, and whose when not the order's
    Column("order_id", String(80), nullable=False),
    Column(
        "other", String(80), nullable=False
    ),  # the joined order whose citizen is told, "" for the order's own
    Column("template", String(20), nullable=False),
    Column("number_hash", String(64), nullable=False),  # keyed hash of the number it was sent to, "" before
    Column("state", String(8), nullable=False),  # cti.casework.notice_store.NoticeState
    Column("tries", Integer, nullable=False),
    Column("next_at", Double, nullable=False),  # not tried before
    Column("status", String(80), nullable=False),  # what the gateway answered last
    Column("at", Double, nullable=False),  # when it came about
    Column("told_at", Double, nullable=True),  # last try
    Index("ix_notices_state_next_at", "state", "next_at"),
    Index("ix_notices_order_id", "order_id"),
    Index("ix_notices_number_hash_told_at", "number_hash", "told_at"),
)

notice_place = Table(
    "notice_place",
    metadata,
    Column("id", Integer, primary_key=True),  # one row, 1
    Column("tx", BigInteger, nullable=False),  # cti.changes.Cursor up to which orders were looked at
    Column("change_id", BigInteger, nullable=False),
    Column("begun_at", Double, nullable=False, server_default=text("0")),  # switched on; 0: not known
)

notice_replies = Table(
    "notice_replies",
    metadata,
    Column("reply_key", String(64), primary_key=True),  # of order and the gateway's id
    Column("order_id", String(80), nullable=False),  # whose trail has its words
    Column("other", String(80), nullable=False),  # the joined order whose citizen wrote, "" for its own
    Column("why", String(12), nullable=False),  # cti.casework.reply_marks.Doubt
    Column("at", Double, nullable=False),  # when it came
    Column("done_at", Double, nullable=True),  # when somebody had read it
    Column("done_by", String(64), nullable=False),  # login, "" before
    Column("note", String(200), nullable=False),  # what they did about it
    Index("ix_notice_replies_done_at_at", "done_at", "at"),
    Index("ix_notice_replies_order_id", "order_id"),
)
