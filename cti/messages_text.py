"""Written words in a call: text conversations, and real-time text beside a video call."""

from __future__ import annotations

from cti.message_base import Command, View

__all__ = [
    "AnswerText",
    "AskInterpreter",
    "EndText",
    "FindColleagues",
    "InviteText",
    "LeaveText",
    "MoveText",
    "RefuseText",
    "SayText",
    "SetTextOnly",
    "TextCommand",
    "TextLine",
    "TextMessage",
    "TextTyping",
]


class TextLine(View, frozen=True):
    """One line that was written; a later one with the same `line_id` replaces it."""

    call_id: str  # which call
    line_id: str  # which line
    by: str  # "citizen", "agent" or "system"
    name: str  # 姓名 of the agent, "" otherwise
    text: str  # at most 2,000 characters
    at: float  # written


class TextTyping(View, frozen=True):
    """What is being written now and is not sent yet (real-time text); "" when it was sent or cleared."""

    call_id: str  # which call
    by: str  # "citizen" or "agent"
    text: str  # at most 2,000 characters


class TextCommand(Command, frozen=True):
    """Base of what an agent does with a call in which is written; refused unless they are in it."""

    call_id: str  # which call


class SayText(TextCommand, frozen=True):
    """Write to the citizen."""

    text: str  # at most 2,000 characters
    final: bool = True  # False: still being typed, shown to the other side as it grows
    line_id: str = ""  # chosen by the page: sent again after a lost connection it is the same line


class AnswerText(TextCommand, frozen=True):
    """接入: take the text conversation that is offered."""


class RefuseText(TextCommand, frozen=True):
    """拒接: as a refused ring."""


class EndText(TextCommand, frozen=True):
    """结束会话; asked again (整理完毕) it closes the conversation's tab."""


class InviteText(TextCommand, frozen=True):
    """请同事加入: a colleague sees everything and may write, too."""

    agent_id: str  # login


class LeaveText(TextCommand, frozen=True):
    """退出会话: a colleague who was asked in leaves."""


class MoveText(TextCommand, frozen=True):
    """转到队列: the citizen waits there, at the place of before, and everything written stays."""

    queue: str  # its name


class SetTextOnly(TextCommand, frozen=True):
    """仅以文字联系: nobody shall telephone this citizen; goes with the order and with call-backs."""

    on: bool


class FindColleagues(TextCommand, frozen=True):
    """Who could be asked into this call, spoken or written; answered by ColleaguesView."""


class AskInterpreter(TextCommand, frozen=True):
    """请翻译: the best free colleague with this skill is rung into the call, or let into the conversation."""

    skill: str  # of the routing policy: sign_video, english, dialect …


TextMessage = (
    SayText
    | AnswerText
    | RefuseText
    | EndText
    | InviteText
    | LeaveText
    | MoveText
    | SetTextOnly
    | FindColleagues
    | AskInterpreter
)
