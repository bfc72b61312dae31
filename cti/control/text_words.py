"""What is written in calls: kept, shown to everybody in the call, and made a transcript of."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from asr.messages import Speaker, TranscriptFinal, TranscriptMessage
from cti.call import Call
from cti.control.calls import Calls
from cti.control.text_shelf import TextShelf
from cti.messages import Entry, TextLine, TextTyping
from cti.messages_citizen import TEXT_MAX, CitizenMessage
from cti.ports import Pages

LINE_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
CONTROLS = dict.fromkeys([*range(32), 127]) | {ord("\n"): "\n", ord("\t"): " "}
"""Characters that no line needs; line breaks stay."""


class WordsRefused(Exception):
    """A line that is not taken; the text is Chinese, for whoever wrote it."""


class TextWords:
    """The lines of calls at this server."""

    def __init__(
        self,
        *,
        calls: Calls,
        shelf: TextShelf,
        pages: Pages,
        heard: Callable[[TranscriptMessage], None],
        to_guest: Callable[[str, CitizenMessage], None],
    ) -> None:
        """`heard` takes a finished sentence (cti.control.captions), `to_guest` shows the citizen's page."""
        self._calls = calls
        self.shelf = shelf
        self._pages = pages
        self._heard = heard
        self._to_guest = to_guest
        self._last: dict[str, float] = {}

    def last_at(self, call_id: str) -> float:
        """When citizen or agent wrote last; 0 for never."""
        return self._last.get(call_id, 0.0)

    def citizen(self, call: Call, text: str, line_id: str) -> Entry | None:
        """The citizen wrote a line; None when it is here already. Raises WordsRefused."""
        return self._say(call, text, f"c-{_checked(line_id)}", by="citizen", name="", login="citizen")

    def agent(self, call: Call, text: str, line_id: str, *, login: str, name: str) -> Entry | None:
        """An agent wrote a line; None when it is here already. Raises WordsRefused."""
        own = _checked(line_id) if line_id else secrets.token_hex(8)
        return self._say(call, text, f"a-{own}", by="agent", name=name, login=login)

    def system(self, call: Call, text: str) -> None:
        """The hotline itself says something; it is no part of the transcript."""
        line = TextLine(
            call_id=call.call_id, line_id=f"s-{secrets.token_hex(8)}", by="system", name="", text=text,
            at=self._calls.now(),
        )  # fmt: skip
        self.shelf.put(line, "system")
        self._show(call, line)

    def typing(self, call: Call, by: str, text: str) -> None:
        """Somebody is writing: the other side sees it grow."""
        typing = TextTyping(call_id=call.call_id, by=by, text=_clean(text))
        if by == "agent":
            self._to_guest(call.guest_id, typing)
        else:
            self._pages.send(call.agents, typing)

    def forget(self, call_id: str) -> None:
        """The call is over."""
        self._last.pop(call_id, None)
        self.shelf.forget(call_id)

    def _say(self, call: Call, text: str, line_id: str, *, by: str, name: str, login: str) -> Entry | None:
        text = _clean(text).strip()
        if not text:
            raise WordsRefused("没有可发送的内容")
        if self.shelf.has(call.call_id, line_id):
            return None
        if self.shelf.full(call.call_id):
            raise WordsRefused("本次会话的消息已达上限，请结束后重新发起")
        now = self._calls.now()
        line = TextLine(call_id=call.call_id, line_id=line_id, by=by, name=name, text=text, at=now)
        self._last[call.call_id] = now
        entry = self.shelf.put(line, login)
        self._show(call, line)
        self._heard(
            TranscriptFinal(
                call_id=call.call_id, speaker=Speaker.CITIZEN if by == "citizen" else Speaker.AGENT,
                segment=0, tap_id=f"text-{line_id}", text=text, verbatim=text, start=now, end=now,
                confidence=1.0,
            )
        )  # fmt: skip
        return entry

    def _show(self, call: Call, line: TextLine) -> None:
        self._pages.send(call.agents, line)
        if call.guest_id:
            self._to_guest(call.guest_id, line)


def _checked(line_id: str) -> str:
    if not LINE_ID.fullmatch(line_id):
        raise WordsRefused("消息编号有误")
    return line_id


def _clean(text: str) -> str:
    if len(text) > TEXT_MAX:
        raise WordsRefused(f"一次最多写 {TEXT_MAX} 个字")
    return text.translate(CONTROLS)
