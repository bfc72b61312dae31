"""What a waiting citizen is told of their area: announcements that people approved, said once a call.

Audio lies in the database, so that every server has it; each writes it into its own folder of sounds, from
which its Asterisk plays it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from cti.announcements import Announcement, Announcements
from cti.call import Call
from cti.control.shelf import Shelf
from cti.messages import EntryKind

log = logging.getLogger(__name__)

FACTS_S = 0.8
"""A caller's district is found within this time, or only what everybody hears is said."""


class Facts(Protocol):
    """What is known of a number (cti.control.callers)."""

    async def facts(self, number: str, within_s: float) -> Mapping[str, str]:
        """Facts for the flow, found within so many seconds; {} when there are none."""


class Journal(Protocol):
    """Where it is noted who heard what (cti.control.calls)."""

    def note(self, call_id: str, kind: EntryKind, data: Mapping[str, object]) -> object:
        """Write one entry."""


class Announcing:
    """The announcements in force, and their sounds."""

    def __init__(
        self,
        store: Announcements,
        *,
        folder: Path,
        callers: Facts,
        journal: Journal,
        clock: Callable[[], float],
    ) -> None:
        """`folder`: where Asterisk finds the sounds; it is made when the first one is needed."""
        self._store = store
        self._folder = folder
        self._callers = callers
        self._journal = journal
        self._now = clock
        self._written: set[str] = set()
        self.shelf: Shelf[Announcement] = Shelf(store.current)

    async def look(self) -> None:
        """Read what is in force, and write the sounds that are not there yet."""
        if not await self.shelf.look():
            return
        for one in self.shelf.rows:
            if one.seconds and one.announcement_id not in self._written:
                await self._write(one.announcement_id)

    async def of(self, call: Call) -> tuple[str, ...]:
        """Sounds for this caller, oldest announcement first. Never raises."""
        now = self._now()
        said = [one for one in self.shelf.rows if one.said(now) and one.called in ("", call.called)]
        if not said:
            return ()
        district = ""
        if any(one.district for one in said):
            district = (await self._callers.facts(call.caller, FACTS_S)).get("district", "")
        heard = [one for one in said if one.district in ("", district)]
        return tuple(sound for one in heard for sound in self._sounds(one))

    def heard(self, call_id: str, sounds: tuple[str, ...]) -> None:
        """The caller is being told; it is noted with the call."""
        named = " ".join(Path(sound).name for sound in sounds)[:400]
        self._journal.note(call_id, EntryKind.NOTE, {"kind": "announced", "values": {"sounds": named}})

    def _sounds(self, one: Announcement) -> tuple[str, ...]:
        if one.announcement_id in self._written:
            return (str(self._folder / one.announcement_id),)
        return tuple(one.prompts)

    async def _write(self, announcement_id: str) -> None:
        try:
            audio = await self._store.audio(announcement_id)
            if audio is None:
                return
            await asyncio.to_thread(self._put, announcement_id, audio)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("sound of an announcement not written", extra={"reason": type(error).__name__})
            return
        self._written.add(announcement_id)

    def _put(self, announcement_id: str, audio: bytes) -> None:
        self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        part = self._folder / f"{announcement_id}.part"
        part.write_bytes(audio)
        part.replace(self._folder / f"{announcement_id}.wav")
