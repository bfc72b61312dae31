"""What may happen to an agent in which state, and where it may lead."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from acd.messages import AgentState


class Move(StrEnum):
    """What can happen to an agent."""

    SIGN_IN = "sign in"
    SIGN_OUT = "sign out"
    READY = "ready"
    NOT_READY = "not ready"
    RING = "ring"  # a call is offered
    ANSWER = "answer"
    MISS = "miss"  # not answered, refused, or the phone could not be reached
    WITHDRAW = "withdraw"  # the offered call is gone
    END = "end"  # the talk is over
    FINISH = "finish wrap-up"
    EXTEND = "extend wrap-up"
    RESERVE = "reserve"  # for a call-back, while the citizen is dialled
    REACH = "reach"  # the dialled citizen answered
    TAKE_OVER = "take over"  # a consulted colleague has the call now
    RESTORE = "restore talk"  # found talking after a restart, or through Asterisk's own queue

    __hash__ = str.__hash__  # many times a decision, and Enum's own is slow


OFFLINE, NOT_READY, READY = AgentState.OFFLINE, AgentState.NOT_READY, AgentState.READY
RINGING, TALKING, WRAP_UP = AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP
RESERVED = AgentState.RESERVED
BUSY = frozenset({RESERVED, RINGING, TALKING, WRAP_UP})
"""States in which an agent has a call."""

MOVES: Mapping[AgentState, Mapping[Move, frozenset[AgentState]]] = {
    OFFLINE: {
        Move.SIGN_IN: frozenset({NOT_READY, READY}),
        Move.RESTORE: frozenset({TALKING}),
    },
    NOT_READY: {
        Move.SIGN_IN: frozenset({NOT_READY, READY}),  # only by those who were lost
        Move.SIGN_OUT: frozenset({OFFLINE}),
        Move.READY: frozenset({READY}),
        Move.NOT_READY: frozenset({NOT_READY}),
        Move.RESTORE: frozenset({TALKING}),
    },
    READY: {
        Move.SIGN_OUT: frozenset({OFFLINE}),
        Move.NOT_READY: frozenset({NOT_READY}),
        Move.RING: frozenset({RINGING}),
        Move.RESERVE: frozenset({RESERVED}),
        Move.RESTORE: frozenset({TALKING}),
    },
    RESERVED: {
        Move.SIGN_IN: frozenset({RESERVED}),  # only by those who were lost
        Move.SIGN_OUT: frozenset({OFFLINE}),
        Move.READY: frozenset({RESERVED}),
        Move.NOT_READY: frozenset({RESERVED}),
        Move.REACH: frozenset({RINGING}),
        Move.MISS: frozenset({NOT_READY}),  # the agent refuses
        Move.WITHDRAW: frozenset({READY, NOT_READY}),  # the citizen was not reached
        Move.RESTORE: frozenset({TALKING}),
    },
    RINGING: {
        Move.SIGN_IN: frozenset({RINGING}),  # only by those who were lost
        Move.SIGN_OUT: frozenset({OFFLINE}),
        Move.READY: frozenset({RINGING}),
        Move.NOT_READY: frozenset({RINGING}),
        Move.ANSWER: frozenset({TALKING}),
        Move.MISS: frozenset({NOT_READY}),
        Move.WITHDRAW: frozenset({READY, NOT_READY}),
        Move.RESTORE: frozenset({TALKING}),
    },
    TALKING: {
        Move.SIGN_IN: frozenset({TALKING}),  # only by those who were lost or signed out while talking
        Move.SIGN_OUT: frozenset({TALKING}),
        Move.READY: frozenset({TALKING}),
        Move.NOT_READY: frozenset({TALKING}),
        Move.END: frozenset({WRAP_UP, READY, NOT_READY, OFFLINE}),
        Move.TAKE_OVER: frozenset({TALKING}),
        Move.RESTORE: frozenset({TALKING}),
    },
    WRAP_UP: {
        Move.SIGN_IN: frozenset({WRAP_UP}),  # only by those who were lost
        Move.SIGN_OUT: frozenset({OFFLINE}),
        Move.READY: frozenset({READY}),
        Move.NOT_READY: frozenset({WRAP_UP}),
        Move.FINISH: frozenset({READY, NOT_READY}),
        Move.EXTEND: frozenset({WRAP_UP}),
        Move.RESTORE: frozenset({TALKING}),
    },
}
"""State -> what may happen -> states it may lead to. Everything else raises `IllegalAgentMove`."""
