"""When an agent's telephone vanishes in the middle of a talk: what to do, as a table. Pure.

A page that reloads, a browser that crashes and a network that goes away say no goodbye; an agent who hangs up
does. So a leg that ended with a hang-up of its own is none of this table's business, and everything else is
kept: the citizen hears music, and the agent's telephone is rung for the call as soon as it is there again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from cti.errors import ControlError


class IllegalRejoin(ControlError):
    """An event that cannot happen in this state."""

    def __init__(self, state: Step, event: Happened) -> None:
        super().__init__(f"rejoin event {event.value} is not legal in state {state.value}")


class Step(StrEnum):
    """Where one talk is that has, or had, an agent's telephone."""

    TALKING = "talking"  # nothing is wrong
    LOOKING = "looking"  # something happened to the telephone: does its sound still come?
    KEPT = "kept"  # the citizen hears music, the telephone is awaited
    RINGING = "ringing"  # the telephone is rung for this call, and answers by itself
    OVER = "over"  # nobody is awaited any more


class Happened(StrEnum):
    """What is told of it."""

    DOUBT = "doubt"  # the telephone's registration changed, or its page was opened
    FLOWING = "flowing"  # sound comes from the leg
    SILENT = "silent"  # none does, or the leg is gone
    LOST = "lost"  # Asterisk ended the leg because nothing came from it
    ASKED = "asked"  # the page says that it has no leg of this call
    HERE = "here"  # the telephone can be rung
    ANSWERED = "answered"  # it has been picked up
    UNANSWERED = "unanswered"  # it has not
    TIME_UP = "time_up"  # waited long enough
    CITIZEN_GONE = "citizen_gone"  # the citizen hung up, or is in line or with somebody else


class Act(StrEnum):
    """What follows, in this order."""

    LOOK = "look"  # count what comes from the leg
    KEEP = "keep"  # music for the citizen, the old leg is put down, the agent stays with the call
    RING = "ring"  # ring the agent's telephone for this call
    STOP = "stop"  # and no longer
    JOIN = "join"  # citizen and agent talk again
    GIVE_UP = "give_up"  # the agent is free, the citizen goes back to the line


_S, _H, _A = Step, Happened, Act
_GONE = {_H.CITIZEN_GONE: (_S.OVER, ())}

TABLE: Mapping[Step, Mapping[Happened, tuple[Step, tuple[Act, ...]]]] = {
    _S.TALKING: {
        _H.DOUBT: (_S.LOOKING, (_A.LOOK,)),
        _H.LOST: (_S.KEPT, (_A.KEEP,)),
        _H.ASKED: (_S.LOOKING, (_A.LOOK,)),  # another window of the same person may have the leg
        _H.HERE: (_S.TALKING, ()),
        _H.FLOWING: (_S.TALKING, ()),
        _H.SILENT: (_S.TALKING, ()),  # the answer to a look that has been overtaken
        _H.TIME_UP: (_S.TALKING, ()),
        **_GONE,
    },
    _S.LOOKING: {
        _H.DOUBT: (_S.LOOKING, ()),
        _H.FLOWING: (_S.TALKING, ()),
        _H.SILENT: (_S.KEPT, (_A.KEEP,)),
        _H.LOST: (_S.KEPT, (_A.KEEP,)),
        _H.ASKED: (_S.LOOKING, ()),
        _H.HERE: (_S.LOOKING, ()),
        _H.TIME_UP: (_S.LOOKING, ()),
        **_GONE,
    },
    _S.KEPT: {
        _H.DOUBT: (_S.KEPT, ()),
        _H.FLOWING: (_S.KEPT, ()),  # too late: that leg is put down
        _H.SILENT: (_S.KEPT, ()),
        _H.LOST: (_S.KEPT, ()),
        _H.ASKED: (_S.KEPT, ()),
        _H.HERE: (_S.RINGING, (_A.RING,)),
        _H.UNANSWERED: (_S.KEPT, ()),
        _H.TIME_UP: (_S.OVER, (_A.GIVE_UP,)),
        **_GONE,
    },
    _S.RINGING: {
        _H.DOUBT: (_S.RINGING, ()),
        _H.FLOWING: (_S.RINGING, ()),
        _H.SILENT: (_S.RINGING, ()),
        _H.LOST: (_S.RINGING, ()),
        _H.ASKED: (_S.RINGING, ()),
        _H.HERE: (_S.RINGING, ()),
        _H.ANSWERED: (_S.TALKING, (_A.JOIN,)),
        _H.UNANSWERED: (_S.KEPT, ()),
        _H.TIME_UP: (_S.OVER, (_A.STOP, _A.GIVE_UP)),
        _H.CITIZEN_GONE: (_S.OVER, (_A.STOP,)),
    },
    _S.OVER: {},
}
"""(state, event) -> next state and what follows; everything else raises."""


def step(state: Step, event: Happened) -> tuple[Step, tuple[Act, ...]]:
    """The next state, and what is to be done. Raises IllegalRejoin."""
    try:
        return TABLE[state][event]
    except KeyError:
        raise IllegalRejoin(state, event) from None


FLOWING_PACKETS = 5
"""So many packets between two looks are speech; a last late one or two are not."""


def flows(before: int | None, after: int | None) -> bool:
    """Whether sound comes: packets counted at two moments, None where the leg was gone."""
    return before is not None and after is not None and after - before >= FLOWING_PACKETS
