"""Looks at talks that are over: what they were like, and which of them a rule or the lot picks."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import RowMapping, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.database import insert_for, writing
from cti.entries import entries_of
from cti.messages import Entry, EntryKind
from cti.quality.documents import Documents
from cti.quality.picks import PickRules, Reason, Talk, reasons, sample
from cti.quality.reviews import Review, picked
from cti.quality.tables import quality_reviews, quality_talks
from cti.quality.talks import TalkSpan, talks_of
from cti.quality.traits import Said, Span, TalkTraits, traits
from cti.tables import calls, transcript_corrections, transcript_lines

__all__ = ["CHINA", "LOOK_BACK_S", "TalkLog", "review_row"]

CHINA = timezone(timedelta(hours=8))
LOOK_BACK_S = 3 * 86_400.0
"""Talks that ended longer ago are not looked at any more."""
SETTLE_S = 60.0
"""A talk is looked at so long after its call, when the last words are in the database."""
AT_ONCE = 200


class _Quality(msgspec.Struct, frozen=True):
    agent_id: str
    mos: float


class TalkLog:
    """Keeps what talks were like, and makes reviews of them. SQLAlchemy's errors pass through."""

    def __init__(
        self, engine: AsyncEngine, documents: Documents, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._documents = documents
        self._now = clock

    async def look(self) -> int:
        """Look at talks that nobody has looked at, and pick; return how many reviews were made."""
        rules = await self._documents.rules()
        made = 0
        while ids := await self._new_calls():
            made += await self._look_at(ids, rules)
            if len(ids) < AT_ONCE:
                break
        return made + await self._draw(rules)

    async def _new_calls(self) -> Sequence[str]:
        now = self._now()
        talk = quality_talks
        seen = select(talk.c.call_id).where(talk.c.call_id == calls.c.call_id)
        query = (
            select(calls.c.call_id)
            .where(
                calls.c.answered.is_not(None),
                calls.c.ended.between(now - LOOK_BACK_S, now - SETTLE_S),
                ~seen.exists(),
            )
            .order_by(calls.c.ended)
            .limit(AT_ONCE)
        )
        async with self._engine.connect() as connection:
            return (await connection.execute(query)).scalars().all()

    async def _look_at(self, ids: Sequence[str], rules: PickRules) -> int:
        now = self._now()
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(calls).where(calls.c.call_id.in_(ids)))
            records = {row["call_id"]: row for row in rows.mappings()}
            entries = await entries_of(connection, ids, (EntryKind.CALL_STATE, EntryKind.QUALITY))
            lines = await _lines_of(connection, ids)
        by_call: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            by_call[entry.call_id].append(entry)
        talks = [
            (span, talk)
            for call_id, record in records.items()
            for span, talk in _talks(record, by_call[call_id], lines.get(call_id, ()), rules)
        ]
        silent = set(ids) - {talk.call_id for _, talk in talks}
        kept = [_talk_row(span, talk, now) for span, talk in talks]
        kept += [_no_talk_row(records[call_id], now) for call_id in silent if call_id in records]
        async with writing(self._engine) as connection:
            statement = insert_for(connection.dialect.name, quality_talks).on_conflict_do_nothing()
            if kept:
                await connection.execute(statement, kept)
            return await self._pick(connection, rules, [talk for _, talk in talks], now)

    async def _pick(
        self, connection: AsyncConnection, rules: PickRules, talks: Sequence[Talk], now: float
    ) -> int:
        left = dict[str, int]()
        made = 0
        for talk in talks:
            found = reasons(rules, talk)
            if not found:
                continue
            if talk.agent_id not in left:
                today = await _found_today(connection, talk.agent_id, _midnight(now))
                left[talk.agent_id] = rules.found_per_agent_a_day - today
            if left[talk.agent_id] > 0 and await _make(connection, talk, found, now, drawn=False):
                left[talk.agent_id] -= 1
                made += 1
        return made

    async def _draw(self, rules: PickRules) -> int:
        """Draw the sample of yesterday; what was drawn of it before counts."""
        now = self._now()
        until = _midnight(now)
        since = _midnight(until - 1)
        day = datetime.fromtimestamp(since, CHINA).date().isoformat()
        talk, review = quality_talks, quality_reviews
        async with writing(self._engine) as connection:
            rows = await connection.execute(
                select(talk.c.call_id, talk.c.agent_id, talk.c.talk_s, review.c.drawn)
                .join(
                    review,
                    and_(review.c.call_id == talk.c.call_id, review.c.agent_id == talk.c.agent_id),
                    isouter=True,
                )
                .where(talk.c.began >= since, talk.c.began < until, talk.c.agent_id != "")
                .where(or_(review.c.drawn.is_(None), review.c.drawn))
            )
            found = [
                (Talk(call_id=row.call_id, agent_id=row.agent_id, talk_s=row.talk_s), row.drawn)
                for row in rows
            ]
            drawn = sample(
                rules, day, [one for one, _ in found], taken=[one.call_id for one, was in found if was]
            )
            wanted = set(drawn)
            why = (Reason(rule="sample", text=f"{day} 随机抽检"),)
            made = [
                await _make(connection, one, why, now, drawn=True)
                for one, was in found
                if one.call_id in wanted and not was
            ]
        return sum(made)

    async def talk(self, call_id: str) -> tuple[Talk, ...]:
        """Return what a call's talks were like, as far as they were looked at."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(quality_talks).where(
                    quality_talks.c.call_id == call_id, quality_talks.c.agent_id != ""
                )
            )
            return tuple(_talk_of(row) for row in rows.mappings())


async def _make(
    connection: AsyncConnection, talk: Talk, why: tuple[Reason, ...], now: float, *, drawn: bool
) -> bool:
    review = picked(uuid4().hex, call_id=talk.call_id, agent_id=talk.agent_id, reasons=why, at=now)
    statement = insert_for(connection.dialect.name, quality_reviews).on_conflict_do_nothing()
    done = await connection.execute(statement.values(drawn=drawn, **review_row(review)))
    return done.rowcount > 0


def review_row(review: Review) -> dict[str, Any]:
    """Return a review as its row, without `drawn`."""
    return {
        "review_id": review.review_id,
        "call_id": review.call_id,
        "agent_id": review.agent_id,
        "state": review.state.value,
        "since": review.since,
        "picked_at": review.picked_at,
        "version": review.version,
        "reviewer": review.reviewer,
        "total": review.total,
        "scored_at": review.scored_at,
        "data": msgspec.to_builtins(review),
    }


def _talks(
    record: RowMapping, entries: Sequence[Entry], lines: Sequence[Said], rules: PickRules
) -> list[tuple[TalkSpan, Talk]]:
    zero = record["recording_started"] if record["recording_started"] is not None else record["started"]
    found = []
    for span in talks_of(entries):
        heard: TalkTraits | None = None
        if any(line.text for line in lines):
            heard = traits(
                _shifted(span.talk, zero),
                lines,
                [_shifted(hold, zero) for hold in span.holds],
                forbidden=rules.forbidden,
            )
        talk = Talk(
            call_id=record["call_id"],
            agent_id=span.agent_id,
            talk_s=span.talk.seconds,
            satisfaction=record["satisfaction"] if span.agent_id == record["agent_id"] else None,
            mos=_worst(entries, span.agent_id),
            traits=heard,
        )
        found.append((span, talk))
    return found


def _worst(entries: Sequence[Entry], agent_id: str) -> float | None:
    told = [msgspec.convert(one.data, _Quality) for one in entries if one.kind is EntryKind.QUALITY]
    return min((one.mos for one in told if one.agent_id == agent_id), default=None)


def _shifted(span: Span, zero: float) -> Span:
    return Span(span.start - zero, span.end - zero)


def _talk_row(span: TalkSpan, talk: Talk, now: float) -> dict[str, Any]:
    return {
        "call_id": talk.call_id,
        "agent_id": talk.agent_id,
        "began": span.talk.start,
        "talk_s": talk.talk_s,
        "satisfaction": talk.satisfaction,
        "mos": talk.mos,
        "traits": None if talk.traits is None else msgspec.to_builtins(talk.traits),
        "looked_at": now,
    }


def _no_talk_row(record: RowMapping, now: float) -> dict[str, Any]:
    """Of a call that nobody of ours talked in: kept, so that it is not looked at again."""
    return {
        "call_id": record["call_id"],
        "agent_id": "",
        "began": record["answered"],
        "talk_s": 0.0,
        "satisfaction": None,
        "mos": None,
        "traits": None,
        "looked_at": now,
    }


def _talk_of(row: RowMapping) -> Talk:
    return Talk(
        call_id=row["call_id"],
        agent_id=row["agent_id"],
        talk_s=row["talk_s"],
        satisfaction=row["satisfaction"],
        mos=row["mos"],
        traits=None if row["traits"] is None else msgspec.convert(row["traits"], TalkTraits),
    )


async def _lines_of(connection: AsyncConnection, ids: Sequence[str]) -> Mapping[str, list[Said]]:
    """Return the transcripts of calls as they stand: with what people corrected."""
    line, better = transcript_lines, transcript_corrections
    newest = (
        select(func.max(better.c.version))
        .where(better.c.call_id == line.c.call_id, better.c.line_id == line.c.line_id)
        .correlate(line)
        .scalar_subquery()
    )
    query = (
        select(line, better.c.text.label("corrected"))
        .join(
            better,
            and_(
                better.c.call_id == line.c.call_id,
                better.c.line_id == line.c.line_id,
                better.c.version == newest,
            ),
            isouter=True,
        )
        .where(line.c.call_id.in_(ids))
    )
    found: defaultdict[str, list[Said]] = defaultdict(list)
    for row in (await connection.execute(query)).mappings():
        found[row["call_id"]].append(
            Said(
                line_id=row["line_id"],
                speaker=row["speaker"],
                start=row["start_s"],
                end=row["end_s"],
                text=row["text"] if row["corrected"] is None else row["corrected"],
                gap=row["gap"] != "",
            )
        )
    return found


async def _found_today(connection: AsyncConnection, agent_id: str, since: float) -> int:
    review = quality_reviews
    query = select(func.count()).where(
        review.c.agent_id == agent_id, review.c.picked_at >= since, review.c.drawn.is_(False)
    )
    return await connection.scalar(query) or 0


def _midnight(at: float) -> float:
    day = datetime.fromtimestamp(at, CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    return day.timestamp()
