"""Announcements to callers: proposed, approved by a person in charge, over by a time that must be given.

What is said is a recording, or prompts of the manifest one after another. SQLAlchemy's errors pass through.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
import time
import uuid
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from sqlalchemy import RowMapping, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.audit import note
from cti.board_tables import announcements
from cti.database import writing
from cti.errors import HotlineError
from ivr_flows.audio import MAX_FILE_BYTES, RATE, AudioError, encode_wav, read_wav, shape

__all__ = ["Announcement", "AnnouncementPage", "AnnouncementRefused", "Announcements", "telephone_audio"]

LONGEST_S = 7 * 86_400.0
"""An announcement is over after a week at the latest."""
LONGEST_AUDIO_S = 45.0
"""Nobody listens to more."""
PROMPTS_MOST = 12
CURRENT_MOST = 100

_COLUMNS = tuple(column for column in announcements.c if column.name != "audio")


class AnnouncementRefused(HotlineError):
    """Something that cannot be done; `field` names what is wrong, `shown` is Chinese for people."""

    def __init__(self, field: str, shown: str) -> None:
        super().__init__(f"{field} is not acceptable")
        self.field = field
        self.shown = shown


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """One announcement with its history; the recording itself is asked for apart."""

    announcement_id: str
    title: str
    text: str  # what is said
    district: str  # to callers from there, "" from anywhere
    called: str  # to callers of this number, "" of any
    prompts: Sequence[str]  # keys, said when there is no recording
    seconds: float  # of the recording, 0 without one
    since: float
    until: float
    who: str  # login of who proposed it
    by_name: str
    created_at: float
    approved_by: str  # login, "" not approved: nobody hears it
    approved_at: float | None
    withdrawn_at: float | None
    withdrawn_by: str
    reason: str
    burst_id: str  # the wave it is about, "" none

    def said(self, now: float) -> bool:
        """Whether callers hear it now."""
        audible = self.seconds > 0 or bool(self.prompts)
        return (
            audible
            and bool(self.approved_by)
            and self.withdrawn_at is None
            and self.since <= now < self.until
        )


class AnnouncementPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of all announcements, newest first."""

    total: int
    page: int
    size: int
    announcements: Sequence[Announcement]


def telephone_audio(recording: bytes) -> tuple[bytes, float]:
    """Make a WAV recording fit for the telephone: 8 kHz mono, cut to its speech. Returns it and its seconds.

    Raises AnnouncementRefused.
    """
    if len(recording) > MAX_FILE_BYTES:
        raise AnnouncementRefused("audio", f"录音文件不能超过 {MAX_FILE_BYTES // 1024 // 1024} MB")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recording.wav"
        file.write_bytes(recording)
        try:
            samples, rate = read_wav(file)
            told = encode_wav(shape(samples, rate, fragment=False))
        except AudioError:
            raise AnnouncementRefused("audio", "录音须为 PCM WAV 文件，0.1 至 60 秒，并且有人说话") from None
    with wave.open(io.BytesIO(told)) as wav:
        seconds = wav.getnframes() / RATE
    if seconds > LONGEST_AUDIO_S:
        raise AnnouncementRefused("audio", f"公告最长 {LONGEST_AUDIO_S:g} 秒")
    return told, round(seconds, 2)


class Announcements:
    """Keeps announcements."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        has_prompt: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`has_prompt` tells whether the prompts' folder has audio of this key."""
        self._engine = engine
        self._has_prompt = has_prompt
        self._clock = clock

    async def propose(
        self, *, title: str, text: str, district: str, called: str, prompts: Sequence[str],
        since: float | None, until: float, by: str, by_name: str, burst_id: str = "",
    ) -> Announcement:  # fmt: skip
        """Propose one; nobody hears it before it is approved. Raises AnnouncementRefused."""
        now = self._clock()
        begins = now if since is None else since
        if not max(begins, now) < until <= begins + LONGEST_S:
            raise AnnouncementRefused("until", "必须填写失效时间：晚于现在和生效时间，且不超过七天")
        if len(prompts) > PROMPTS_MOST:
            raise AnnouncementRefused("prompts", f"最多由 {PROMPTS_MOST} 段语音组成")
        if missing := [key for key in prompts if not self._has_prompt(key)]:
            raise AnnouncementRefused("prompts", f"没有这段语音：{missing[0][:40]}")
        one = Announcement(
            announcement_id=uuid.uuid4().hex, title=title, text=text, district=district, called=called,
            prompts=list(prompts), seconds=0.0, since=begins, until=until, who=by, by_name=by_name,
            created_at=now, approved_by="", approved_at=None, withdrawn_at=None, withdrawn_by="",
            reason="", burst_id=burst_id,
        )  # fmt: skip
        async with writing(self._engine) as connection:
            await connection.execute(insert(announcements).values(audio=None, **msgspec.structs.asdict(one)))
            await note(
                connection, at=now, who=by, what="announcement_proposed", target=one.announcement_id,
                detail={"title": title, "district": district, "called": called, "until": until},
            )  # fmt: skip
        return one

    async def record(self, announcement_id: str, recording: bytes, *, by: str) -> Announcement | None:
        """Give it a recording, before it is approved; None when there is no such one.

        Raises AnnouncementRefused.
        """
        told, seconds = await asyncio.to_thread(telephone_audio, recording)
        async with writing(self._engine) as connection:
            changed = await connection.execute(
                update(announcements)
                .where(announcements.c.announcement_id == announcement_id, announcements.c.approved_by == "")
                .values(audio=told, seconds=seconds)
            )
            if changed.rowcount:
                await note(
                    connection, at=self._clock(), who=by, what="announcement_recorded",
                    target=announcement_id, detail={"seconds": seconds},
                )  # fmt: skip
        found = await self.find(announcement_id)
        if found is not None and not changed.rowcount:
            raise AnnouncementRefused("audio", "已批准的公告不能更换录音，请撤回后另建")
        return found

    async def approve(self, announcement_id: str, *, by: str) -> Announcement | None:
        """Let callers hear it; None when there is no such one. Raises AnnouncementRefused."""
        found, now = await self.find(announcement_id), self._clock()
        if found is None:
            return None
        if not found.seconds and not found.prompts:
            raise AnnouncementRefused("audio", "请先上传录音，或选择语音")
        if found.withdrawn_at is not None or found.until <= now:
            raise AnnouncementRefused("until", "这条公告已撤回或已过期")
        async with writing(self._engine) as connection:
            approved = await connection.execute(
                update(announcements)
                .where(announcements.c.announcement_id == announcement_id, announcements.c.approved_by == "")
                .values(approved_by=by, approved_at=now)
            )
            if approved.rowcount:
                await note(
                    connection, at=now, who=by, what="announcement_approved", target=announcement_id,
                    detail={"title": found.title, "district": found.district, "until": found.until},
                )  # fmt: skip
        return await self.find(announcement_id)

    async def withdraw(self, announcement_id: str, *, by: str, reason: str) -> bool:
        """Take it back; False when none of this id is in force or to come."""
        now = self._clock()
        async with writing(self._engine) as connection:
            gone = await connection.execute(
                update(announcements)
                .where(
                    announcements.c.announcement_id == announcement_id,
                    announcements.c.withdrawn_at.is_(None),
                    announcements.c.until > now,
                )
                .values(withdrawn_at=now, withdrawn_by=by, reason=reason)
            )
            if not gone.rowcount:
                return False
            await note(
                connection, at=now, who=by, what="announcement_withdrawn", target=announcement_id,
                detail={"reason": reason},
            )  # fmt: skip
        return True

    async def find(self, announcement_id: str) -> Announcement | None:
        """One of them, or None."""
        query = select(*_COLUMNS).where(announcements.c.announcement_id == announcement_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else _read(row)

    async def audio(self, announcement_id: str) -> bytes | None:
        """The recording as callers hear it, or None."""
        query = select(announcements.c.audio).where(announcements.c.announcement_id == announcement_id)
        async with self._engine.connect() as connection:
            found: bytes | None = await connection.scalar(query)
        return found

    async def current(self) -> tuple[Announcement, ...]:
        """Those that are approved, not withdrawn and not over, oldest first."""
        table = announcements.c
        wanted = and_(table.approved_by != "", table.withdrawn_at.is_(None), table.until > self._clock())
        query = select(*_COLUMNS).where(wanted).order_by(table.created_at).limit(CURRENT_MOST)
        async with self._engine.connect() as connection:
            return tuple(_read(row) for row in (await connection.execute(query)).mappings())

    async def history(self, *, page: int = 1, size: int = 20) -> AnnouncementPage:
        """Return one page of all of them, newest first."""
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(announcements))
            query = select(*_COLUMNS).order_by(
                announcements.c.created_at.desc(), announcements.c.announcement_id
            )
            rows = await connection.execute(query.limit(size).offset((page - 1) * size))
            found = tuple(_read(row) for row in rows.mappings())
        return AnnouncementPage(total=total or 0, page=page, size=size, announcements=found)


def _read(row: RowMapping) -> Announcement:
    return Announcement(**{name: row[name] for name in Announcement.__struct_fields__})
