"""Files of orders are events of their chain: what was added and removed stands there, whoever did it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import chain
from orders.bulk import lived
from orders.chain_check import Stored
from orders.course_seen import Since, check_seen
from orders.erasure import ERASED, What, erasing
from orders.errors import OrderError
from orders.files import files_of, size_said
from orders.intake import Matter, content_hash
from orders.lifecycle import apply, replay
from orders.messages import (
    AttachmentAdded,
    AttachmentRemoved,
    Channel,
    DraftOpened,
    OrderDiscarded,
    OrderEvent,
)
from orders.trail import said
from tests.support.courses import noted

T0 = 1_800_000_000.0
OPENED = DraftOpened(order_id="o1", call_id="", caller="", channel=Channel.WEB)
PHOTO = AttachmentAdded(
    attachment_id="a1", name="王小明家门口.png", kind="png", size=123_456, digest="0a" * 32, by="citizen"
)
GONE = AttachmentRemoved(
    attachment_id="a1", name=PHOTO.name, kind="png", size=PHOTO.size, digest=PHOTO.digest, reason="传错了",
    by="wang",
)  # fmt: skip


def test_a_file_says_name_kind_and_size_and_who_did_it_is_its_actor() -> None:
    assert said(PHOTO) == "王小明家门口.png（PNG，123.5 KB）"
    assert said(GONE) == "王小明家门口.png（PNG，123.5 KB）：传错了"
    assert (chain.actor_of(PHOTO), chain.actor_of(GONE)) == ("citizen", "wang")
    assert [size_said(size) for size in (108, 4_000_000)] == ["108 字节", "4.0 MB"]


def test_each_file_counts_as_a_version_and_changes_nothing_else() -> None:
    before = replay([(OPENED, T0)])
    after = replay([(OPENED, T0), (PHOTO, T0 + 1), (GONE, T0 + 2)])
    assert before is not None
    assert after == replace(before, version=3)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), max_size=12))
def test_what_belongs_to_an_order_is_what_was_added_last_and_not_removed(
    moves: list[tuple[bool, str]],
) -> None:
    events: list[OrderEvent] = [
        replace(PHOTO, attachment_id=name) if adds else replace(GONE, attachment_id=name)
        for adds, name in moves
    ]
    last = {name: adds for adds, name in moves}
    assert set(files_of(events)) == {name for name, adds in last.items() if adds}


@pytest.mark.parametrize(
    "event",
    [
        replace(PHOTO, digest="../etc"),
        replace(PHOTO, digest="0A" * 32),
        replace(PHOTO, name=""),
        replace(PHOTO, size=-1),
        replace(PHOTO, by=""),
        replace(GONE, reason=" "),
    ],
)
def test_an_event_that_says_no_file_is_refused(event: OrderEvent) -> None:
    with pytest.raises(OrderError):
        apply(replay([(OPENED, T0)]), event, T0)


def test_nothing_is_added_to_what_was_given_up_and_files_may_still_go() -> None:
    over = replay([(OPENED, T0), (PHOTO, T0), (OrderDiscarded(agent="wang", reason="重复"), T0)])
    assert over is not None
    with pytest.raises(OrderError):
        apply(over, PHOTO, T0)
    assert apply(over, GONE, T0).version == over.version + 1


def test_a_file_makes_nobodys_move_stale() -> None:
    since = [Since(event=PHOTO, actor="citizen", at=T0)]
    check_seen(noted(), seen=1, current=2, course=None, since=since, zone=UTC)


def test_a_files_name_goes_with_the_person_and_its_digest_stays() -> None:
    made = lived("o1", [(OPENED, T0), (PHOTO, T0 + 1)], event_id="e", number="")
    names = chain.Link.__dataclass_fields__
    rows = [Stored(link=chain.Link(**{n: row[n] for n in names}), hash=row["hash"]) for row in made.rows]
    _, data = erasing(rows, [What.PERSON], rule="others", basis="法", by="system")
    event = chain.decode("attachment_added", data[2])
    assert event == replace(PHOTO, name=ERASED)
    _, kept = erasing(rows, [What.WORDS], rule="others", basis="法", by="system")
    assert 2 not in kept


def test_a_request_without_files_is_known_again_as_before_and_files_count() -> None:
    plain = Matter(channel=Channel.PORTAL, fields={"summary": "路灯不亮"})
    assert content_hash(plain) == content_hash(replace(plain, attachments=()))
    assert content_hash(plain) != content_hash(replace(plain, attachments=("a1",)))
    assert content_hash(replace(plain, attachments=("a1", "a2"))) != content_hash(
        replace(plain, attachments=("a2", "a1"))
    )
