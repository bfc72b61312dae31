"""A conversation prepared for reading: the citizen's sentences, each with what the agent had asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from asr.gazetteer_sound import letters
from asr.messages import Line, Speaker
from asr.text import without_fillers

MAX_LINES = 400
"""Newer lines than these are not read: no one dictates an order for an hour."""
MAX_CHARACTERS = 600
"""Of one line; recognition ends sentences long before."""

_NARROW = {
    code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
}
"""Wide digits and letters (１３８) as the narrow ones."""

_ASKS_PHONE = re.compile(r"电话|号码|手机|联系方式|联系您")
_PHONE_HEARD = letters("电话")
"""What recognition writes for it: 电化, 店话."""
_ASKS_SAME_NUMBER = re.compile(
    r"(?:这个|现在|来电|本机|当前|打来|此).{0,6}(?:号码|电话|号)|(?:号码|电话).{0,4}(?:这个|现在|来电|本机)"
)
_ASKS_PLACE = re.compile(
    r"地址|哪里|哪个区|哪个小区|什么位置|具体位置|什么地方|哪条路|几号楼|门牌|几栋|哪个街道|位置在"
)
_ASKS_NAME = re.compile(r"贵姓|怎么称呼|姓名|您姓|叫什么|称呼您")
_ASKS_TIME = re.compile(r"什么时候|什么时间|多长时间|多久|几点|哪天|哪一天|从何时|何时")

_QUESTIONS = (_ASKS_PHONE, _ASKS_SAME_NUMBER, _ASKS_PLACE, _ASKS_NAME, _ASKS_TIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence of the citizen."""

    number: int  # among the citizen's sentences, from 0
    text: str  # without fillers
    quote: str  # as it came
    start: float  # seconds into the recording
    end: float  # seconds into the recording
    confidence: float  # of the recognition
    question: str  # what the agent said just before, "" for nothing

    def with_text(self, text: str) -> Said:
        """Return the same sentence with other words."""
        return self if text == self.text else replace(self, text=text)

    @property
    def asked_phone(self) -> bool:
        return _ASKS_PHONE.search(self.question) is not None or _PHONE_HEARD in letters(self.question)

    @property
    def asked_same_number(self) -> bool:
        return _ASKS_SAME_NUMBER.search(self.question) is not None

    @property
    def asked_place(self) -> bool:
        return _ASKS_PLACE.search(self.question) is not None

    @property
    def asked_name(self) -> bool:
        return _ASKS_NAME.search(self.question) is not None

    @property
    def asked_own_name(self) -> bool:
        return re.search("您|贵姓|称呼", self.question) is not None

    @property
    def asked_time(self) -> bool:
        return _ASKS_TIME.search(self.question) is not None


def _asks(text: str) -> bool:
    return text.endswith(("？", "?", "吗", "呢")) or any(question.search(text) for question in _QUESTIONS)


def citizen_lines(lines: Sequence[Line]) -> tuple[Said, ...]:
    """Return what the citizen said, in order; a question of the agent holds until the agent speaks again."""
    said: list[Said] = []
    question = ""
    answered = False
    for line in lines[:MAX_LINES]:
        if line.speaker is Speaker.AGENT:
            text = line.text[:MAX_CHARACTERS]
            # an agent's short "嗯, 您说" between two answers does not end the question
            if answered and len(text) <= 6 and not _asks(text):
                continue
            question = text if answered else question + text
            answered = False
            continue
        text = without_fillers(line.text[:MAX_CHARACTERS].translate(_NARROW))
        answered = True
        if not text:
            continue
        said.append(
            Said(
                number=len(said),
                text=text,
                quote=line.text[:MAX_CHARACTERS],
                start=line.start,
                end=line.end,
                confidence=min(1.0, max(0.0, line.confidence)),
                question=question,
            )
        )
    return tuple(said)


def agent_lines(lines: Sequence[Line]) -> tuple[str, ...]:
    """Return what the agent said, in order."""
    return tuple(line.text[:MAX_CHARACTERS] for line in lines[:MAX_LINES] if line.speaker is Speaker.AGENT)
