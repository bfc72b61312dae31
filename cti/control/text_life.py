"""When something becomes due in a text conversation: silence, a page that is gone, a rating. Pure.

The states are those of every call (`cti.call`); what is here is only time. A citizen who writes is there; one
whose page is closed may come back for a while (a telephone that rings, a tunnel) and finds everything again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cti.call import Call
from cti.messages import CallState


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRules:
    """How long things may take, in seconds."""

    gone_waiting_s: float  # in line, with the page closed: then the place is given up
    gone_talking_s: float  # while an agent writes with them, with the page closed: then it is over
    ask_s: float  # neither side has written: the citizen is asked whether they are still there
    silent_s: float  # and so long after that question it is over
    rating_s: float  # the citizen may give a rating for so long
    write_up_s: float  # the agent may write it up for so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What is known of both sides of one conversation. Times are epoch seconds."""

    gone: float | None  # since when the citizen has no page open; None: it is open
    wrote: float  # last line of either side, or the beginning
    asked: float | None = None  # when the citizen was asked whether they are still there


class Due(StrEnum):
    """What must be done now."""

    ASK = "ask"  # 请问您还在吗
    SILENT = "silent"  # end the talk: nobody answers
    GONE = "gone"  # end it: the citizen has closed the page
    RATED = "rated"  # the time for a rating is over
    WRITTEN_UP = "written_up"  # the time for writing up is over


def due(call: Call, presence: Presence, rules: TextRules, now: float) -> Due | None:
    """Return what must be done now, None for nothing. At most one thing at a time: ask again afterwards."""
    away = 0.0 if presence.gone is None else now - presence.gone
    since = now - call.state_since
    if call.state in (CallState.INCOMING, CallState.IN_FLOW, CallState.WAITING, CallState.RINGING):
        return Due.GONE if away >= rules.gone_waiting_s else None
    if call.with_person:
        if away >= rules.gone_talking_s:
            return Due.GONE
        if presence.asked is not None and presence.asked >= presence.wrote:
            return Due.SILENT if now - presence.asked >= rules.silent_s else None
        return Due.ASK if now - presence.wrote >= rules.ask_s else None
    if call.state is CallState.SURVEY:
        return Due.RATED if since >= rules.rating_s else None
    if call.state is CallState.WRAP_UP:
        return Due.WRITTEN_UP if since >= rules.write_up_s else None
    return None
