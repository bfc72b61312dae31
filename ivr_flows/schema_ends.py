"""Steps that bring the caller somewhere: to a person, a call-back, a message, a number outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec

from ivr_flows.schema_types import (
    FactRef,
    Key,
    Name,
    Needs,
    Priority,
    Prompts,
    StepBase,
    Tries,
    Wait,
    compiled,
)

CALLBACK_NUMBER = r"1[3-9]\d{9}|0\d{9,11}|[2-8]\d{6,7}"
"""a mobile number, a fixed one with its area's prefix, a local one"""


class ToPerson(StepBase, frozen=True, kw_only=True, tag="route"):
    """Wait for a person and talk."""

    EXITS: ClassVar[tuple[str, ...]] = ("next", "max_wait", "error")
    ACTED: ClassVar[tuple[str, ...]] = ("keys.", "max_wait")

    queue: Name  # skill queue, as in the routing policy
    next: Name  # after the talk, when the agent hung up first
    error: Name  # the router could not take the call
    needs: Needs = msgspec.field(default_factory=dict)  # skill -> minimum level; joined to what was set
    queue_from: FactRef | None = None  # a fact that names another queue
    also: Annotated[tuple[Name, ...], msgspec.Meta(max_length=5)] = ()  # further queues, same place
    priority: Priority = 0  # added to the call's and the queue's; higher goes first
    urgent: bool = False  # before everybody who is not
    prefer: Annotated[tuple[FactRef, ...], msgspec.Meta(max_length=5)] = (
        "fact.last_agent",
        "fact.case_owner",
    )  # facts that name agents who know the matter
    greeting: Prompts = ()  # said once on joining the line
    listen: bool = False  # what the citizen says while waiting is heard
    listen_invite: Prompts = ()  # said once after the greeting, with `listen`
    keys: Annotated[dict[Key, Name], msgspec.Meta(max_length=12)] = msgspec.field(
        default_factory=dict
    )  # key while waiting -> target; the place is kept
    keys_hint: Prompts = ()  # what the keys do: said with every place announcement
    max_wait_s: Annotated[float, msgspec.Meta(ge=5, le=7200)] | None = None  # then `max_wait`, seconds
    max_wait: Name | None = None  # nobody came in time

    def __post_init__(self) -> None:
        """What belongs together is said together."""
        if (self.max_wait_s is None) != (self.max_wait is None):
            raise ValueError("max_wait_s and max_wait belong together")
        if self.keys_hint and not self.keys:
            raise ValueError("keys_hint belongs to keys")
        if self.listen_invite and not self.listen:
            raise ValueError("listen_invite belongs to listen: true")

    def exits(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and target, for every exit."""
        for key, target in self.keys.items():
            yield f"keys.{key}", target
        yield from StepBase.exits(self)

    def reads(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and reference."""
        if self.queue_from:
            yield "queue_from", self.queue_from
        for index, fact in enumerate(self.prefer):
            yield f"prefer[{index}]", fact


class Callback(StepBase, frozen=True, kw_only=True, tag="callback"):
    """Agree on a number to call back: the calling one, or another that is typed in."""

    EXITS: ClassVar[tuple[str, ...]] = ("next", "none", "wrong", "error")
    ACTED: ClassVar[tuple[str, ...]] = ("next",)

    queue: Name  # for a citizen who is not in line yet
    next: Name  # agreed; the place in line is kept without the citizen on the line
    none: Name  # the citizen pressed nothing: nothing is agreed
    wrong: Name  # no usable number, in the last try
    error: Name  # the call-back could not be kept
    needs: Needs = msgspec.field(default_factory=dict)  # skill -> minimum level; joined to what was set
    number_prefix: Prompts = ("callback_number_prefix",)  # said before the digits of the number
    confirm: Prompts = ("callback_confirm",)  # said after them: 1 that is right, 2 another one
    enter: Prompts = ("callback_enter",)  # asks for another number, ended by #
    invalid: Prompts = ("callback_invalid",)  # said before asking again
    accepted: Prompts = ("callback_accepted",)  # said when it is agreed
    wait_s: Wait = 6.0  # for a key or the first digit, seconds
    tries: Tries = 3  # how often a number is asked for
    pattern: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] = CALLBACK_NUMBER  # of the number

    def __post_init__(self) -> None:
        """The pattern must be one."""
        compiled(self.pattern)


class Message(StepBase, frozen=True, kw_only=True, tag="message"):
    """Record a voice message (留言)."""

    EXITS: ClassVar[tuple[str, ...]] = ("next", "none", "error")
    ACTED: ClassVar[tuple[str, ...]] = ("next",)

    next: Name  # kept
    none: Name  # nothing was said
    error: Name  # it could not be recorded
    prompts: Prompts = ("leave_message",)  # said before the tone
    saved: Prompts = ("message_saved",)  # said when it is kept
    most_s: Annotated[float, msgspec.Meta(ge=5, le=600)] = 120.0  # longest message, seconds
    least_s: Annotated[float, msgspec.Meta(ge=0, le=10)] = 1.0  # shorter ones are none, seconds
    silence_s: Annotated[float, msgspec.Meta(ge=1, le=20)] = 4.0  # so much silence ends it, seconds
    purpose: Name = "message"  # kept with the work


class Transfer(StepBase, frozen=True, kw_only=True, tag="transfer"):
    """Connect the caller with a number outside."""

    EXITS: ClassVar[tuple[str, ...]] = ("next", "busy", "no_answer", "failed")
    ACTED: ClassVar[tuple[str, ...]] = ("next",)

    next: Name  # they talked, and the other side hung up first
    busy: Name  # the other side is busy
    no_answer: Name  # nobody answered
    failed: Name  # there is no number, or it could not be dialled
    number: Annotated[str, msgspec.Meta(pattern=r"^\d{0,20}$")] = ""  # telephone number
    number_from: FactRef | None = None  # a fact that names it instead
    ring_s: Annotated[float, msgspec.Meta(ge=5, le=60)] = 25.0  # how long it may ring, seconds
    greeting: Prompts = ()  # said before

    def __post_init__(self) -> None:
        """There must be a number."""
        if not self.number and self.number_from is None:
            raise ValueError("say with number or number_from whom to dial")

    def reads(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and reference."""
        if self.number_from:
            yield "number_from", self.number_from
