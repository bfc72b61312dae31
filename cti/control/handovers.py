"""One-key services: what they must know of the call is written down, sent, and tried again until it is there.

Every handover is first a file in the outbox, so that a restart forgets none. It goes into the journal and the
audit trail, whether or not the service has a system that takes it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from cti.call import Call
from cti.control.calls import Calls
from cti.control.directory import Directory, DirectoryEntry
from cti.control.handover_post import Handover, HandoverFailed, Post, SaidLine
from cti.faults import fault_site
from cti.messages import Caption, TargetKind
from cti.ports import Person
from cti.tasks import end
from orders.messages import Draft

log = logging.getLogger(__name__)

RETRY_S: tuple[float, ...] = (1, 2, 5, 10, 20, 40, 60)
"""Pauses between attempts; after the last of them it has failed, about two and a half minutes."""

LINES_MAX = 400
FILE_MAX = 1_000_000


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the outbox."""

    handover: Handover
    audited: bool = False
    sent: bool = False


class Handovers:
    """The outbox. Nothing here delays the call."""

    def __init__(
        self,
        *,
        calls: Calls,
        folder: Path,
        directory: Callable[[], Directory],
        draft: Callable[[str], Draft | None],
        captions: Callable[[str], Sequence[Caption]],
        post: Post,
        secret: Callable[[str], str],
        audit: Callable[[Handover], Awaitable[None]],
        notice: Callable[[str, str, str], None],
        retry_s: Sequence[float] = RETRY_S,
    ) -> None:
        """`audit` writes the line of the trail, or raises; `notice(login, level, text)` tells the agent."""
        self._calls = calls
        self._folder = folder
        self._directory = directory
        self._draft = draft
        self._captions = captions
        self._post = post
        self._secret = secret
        self._audit = audit
        self._notice = notice
        self._retry_s = tuple(retry_s)
        self._work: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Go on with what a former server left."""
        for file in sorted(self._folder.glob("*.json")):
            try:
                with file.open("rb") as stream:
                    kept = msgspec.json.decode(stream.read(FILE_MAX), type=_Kept)
            except (OSError, msgspec.MsgspecError) as error:
                log.error("handover cannot be read, left where it is", extra={"reason": type(error).__name__})
                continue
            self._beside(kept)

    async def stop(self) -> None:
        """Stop; what is not there yet stays in the outbox."""
        await end(*self._work)

    def begin(self, call: Call, entry: DirectoryEntry, by: Person) -> None:
        """Write down what the service must know, journal it, and send it beside."""
        handover = self._record(call, entry, by)
        kept = _Kept(handover=handover, sent=not entry.handover)
        self._note(handover, "handover", record=msgspec.to_builtins(handover))
        if not entry.handover:
            self._notice(by.login, "warning", f"{entry.title}没有接收系统，请口头告知地址和诉求")
        try:
            self._write(kept)
        except OSError as error:  # a full disk must not keep the service from being called
            log.error("handover not kept on disk", extra={"reason": type(error).__name__})
        self._beside(kept)

    # ------------------------------------------------------------ the record

    def _record(self, call: Call, entry: DirectoryEntry, by: Person) -> Handover:
        draft = self._draft(call.order_id) if call.order_id else None
        fields = {name: value.value for name, value in draft.fields.items()} if draft is not None else {}
        said = [line for line in self._captions(call.call_id) if line.final][-LINES_MAX:]
        return Handover(
            handover_id=uuid.uuid4().hex,
            service=entry.name,
            title=entry.title,
            number=entry.number,
            call_id=call.call_id,
            order_id=call.order_id,
            at=self._calls.now(),
            by=by.login,
            by_name=by.name,
            caller=call.caller,
            phone=fields.get("phone", "") or call.caller,
            contact=fields.get("contact", ""),
            district=fields.get("district", ""),
            street=fields.get("street", ""),
            place=fields.get("place", ""),
            type=fields.get("type", ""),
            category=fields.get("category", ""),
            urgency=fields.get("urgency", ""),
            title_of_matter=fields.get("title", ""),
            matter=fields.get("summary", ""),
            transcript=tuple(
                SaidLine(speaker=line.speaker, text=line.text, start=line.start) for line in said
            ),
        )

    def _note(self, handover: Handover, result: str, **more: object) -> None:
        data = {
            "kind": TargetKind.SERVICE.value, "title": handover.title, "target": handover.number,
            "by": handover.by, "result": result, "handover_id": handover.handover_id,
        }  # fmt: skip
        self._calls.note_transfer(handover.call_id, {**data, **more})

    # ------------------------------------------------------------ the way there

    def _beside(self, kept: _Kept) -> None:
        task = asyncio.create_task(self._see_through(kept), name=f"handover-{kept.handover.handover_id}")
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _see_through(self, kept: _Kept) -> None:
        """Audit and send, each until it is done or the attempts are over."""
        handover, reason = kept.handover, ""
        for pause in (*self._retry_s, None):
            try:
                if not kept.audited:
                    await self._audit(handover)
                    kept = msgspec.structs.replace(kept, audited=True)
            except Exception as error:  # whatever the database has: it is tried again
                log.warning("handover not audited yet", extra={"site": fault_site(error)})
            try:
                if not kept.sent:
                    await self._send(handover)
                    kept = msgspec.structs.replace(kept, sent=True)
                    self._note(handover, "handed_over")
                    self._notice(handover.by, "success", f"{handover.title}已收到地址和通话记录")
            except HandoverFailed as error:
                reason = str(error)
                log.warning("handover not taken", extra={"service": handover.service, "reason": reason})
            if kept.audited and kept.sent:
                break
            if pause is None:
                self._given_up(kept, reason)
                return
            self._try_write(kept)
            await asyncio.sleep(pause)
        self._file(handover).unlink(missing_ok=True)

    async def _send(self, handover: Handover) -> None:
        entry = self._directory().find(handover.service)
        if entry is None or not entry.handover:
            raise HandoverFailed("the directory has no address for it any more")
        await self._post.deliver(entry.handover, self._secret(f"handover.{entry.name}"), handover)

    def _given_up(self, kept: _Kept, reason: str) -> None:
        """The file stays when only the trail lacks it: the next start tries again."""
        if not kept.sent:
            self._note(kept.handover, "handover_failed", reason=reason)
            text = f"{kept.handover.title}没有收到地址和通话记录，请口头告知"
            self._notice(kept.handover.by, "error", text)
            kept = msgspec.structs.replace(kept, sent=True)
        if kept.audited:
            self._file(kept.handover).unlink(missing_ok=True)
        else:
            self._try_write(kept)

    # ------------------------------------------------------------ the outbox

    def _file(self, handover: Handover) -> Path:
        return self._folder / f"{handover.handover_id}.json"

    def _try_write(self, kept: _Kept) -> None:
        try:
            self._write(kept)
        except OSError as error:
            log.error("handover not kept on disk", extra={"reason": type(error).__name__})

    def _write(self, kept: _Kept) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._file(kept.handover)
        fresh = file.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(msgspec.json.encode(kept))
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(file)
