"""What the server and a citizen's own page (`/citizen`) say to each other on `/api/citizen/ws`."""

from __future__ import annotations

from cti.message_base import Command, View
from cti.messages_text import TextLine, TextTyping

__all__ = [
    "AskTextOnly",
    "CitizenMessage",
    "CitizenView",
    "GiveRating",
    "GuestMessage",
    "GuestPing",
    "Hello",
    "Leave",
    "LineTaken",
    "Refused",
    "WriteText",
]

TEXT_MAX = 2000
"""Characters of one line."""


class CitizenView(View, frozen=True):
    """How the citizen's call stands; sent first on every connection, and at every change."""

    call_id: str  # "" while nothing has reached the hotline
    media: str  # acd.messages.Media: voice, video or text
    state: str  # "connecting", "waiting", "ringing", "talking", "held", "survey", "ended"
    place: int | None = None  # in line, 1 is next; with waiting
    expected_wait_s: float | None = None  # None: no honest estimate
    agent: str = ""  # who answered, as a citizen may know them: 工号
    satisfaction: int | None = None  # what the citizen has given, 1 to 5
    text_only: bool = False  # the citizen asked to be contacted by text only
    reason: str = ""  # with ended: "citizen", "agent", "silence", "unreached"


class LineTaken(View, frozen=True):
    """A line is safe with the hotline; the page need not keep it for sending again."""

    line_id: str  # the page's own


class Refused(View, frozen=True):
    """Something could not be done; the words are Chinese, for the citizen."""

    text: str
    fatal: bool = False  # True: this session is over, begin anew


class Hello(Command, frozen=True):
    """First message: who this is."""

    token: str  # as POST /api/citizen/session gave it


class WriteText(Command, frozen=True):
    """The citizen writes."""

    text: str  # at most 2,000 characters
    line_id: str = ""  # chosen by the page, at most 40 of A-Z a-z 0-9 _ -; with final
    final: bool = True  # False: still being typed


class GiveRating(Command, frozen=True):
    score: int  # 1 to 5


class AskTextOnly(Command, frozen=True):
    """请只用文字联系我."""

    on: bool


class Leave(Command, frozen=True):
    """The citizen ends the conversation."""


class GuestPing(Command, frozen=True):
    """Keeps the connection alive."""


CitizenMessage = CitizenView | TextLine | TextTyping | LineTaken | Refused
GuestMessage = Hello | WriteText | GiveRating | AskTextOnly | Leave | GuestPing
