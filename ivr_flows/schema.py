"""What a flow is made of: steps with prompts, and for each way a step can end the name of the next one.

A target is the name of a step, or `hang_up` (the call is over), or `give_up` (this flow cannot go on: a
caller who has not spoken with anybody is taken to a person by the dialplan itself).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

HANG_UP = "hang_up"
GIVE_UP = "give_up"
ENDS = frozenset({HANG_UP, GIVE_UP})

ALL_KEYS = "0123456789*#"

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Prompt = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Prompts = Annotated[tuple[Prompt, ...], msgspec.Meta(max_length=20)]
SomePrompts = Annotated[tuple[Prompt, ...], msgspec.Meta(min_length=1, max_length=20)]
Key = Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]$")]
Wait = Annotated[float, msgspec.Meta(ge=0, le=30)]
Tries = Annotated[int, msgspec.Meta(ge=1, le=5)]
Level = Annotated[int, msgspec.Meta(ge=1, le=5)]
Score = Annotated[int, msgspec.Meta(ge=1, le=5)]


class Announce(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="announce"
):
    """Say something and go on."""

    prompts: SomePrompts  # one after another
    next: Name  # afterwards
    error: Name  # the prompts could not be played

    def exits(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and target, for every exit."""
        yield "next", self.next
        yield "error", self.error


class Menu(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="menu"
):
    """Say something; a key, even in the middle of it, leads on."""

    prompts: SomePrompts  # any key interrupts them
    keys: Annotated[dict[Key, Name], msgspec.Meta(min_length=1)]  # key -> target
    no_key: Name  # nothing was pressed
    wrong_key: Name  # a key without meaning was pressed, in the last try
    error: Name  # the prompts could not be played
    wait_s: Wait = 3.0  # a key counts this long after the last prompt, seconds
    tries: Tries = 1  # wrong keys allowed are one fewer
    retry: Prompts = ()  # said before the prompts after a wrong key

    def exits(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and target, for every exit."""
        for key, target in self.keys.items():
            yield f"keys.{key}", target
        yield "no_key", self.no_key
        yield "wrong_key", self.wrong_key
        yield "error", self.error


class Survey(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="survey"
):
    """Ask for a rating, note it, go on."""

    prompts: SomePrompts  # any key interrupts them
    scores: Annotated[dict[Key, Score], msgspec.Meta(min_length=1)]  # key -> 5 very satisfied … 1
    next: Name  # after the rating was noted
    no_key: Name  # nothing was pressed
    wrong_key: Name  # a key without meaning was pressed, in the last try
    error: Name  # the prompts could not be played, or the rating not noted
    wait_s: Wait = 6.0  # a key counts this long after the last prompt, seconds
    tries: Tries = 2  # wrong keys allowed are one fewer
    retry: Prompts = ()  # said before the prompts after a wrong key

    def exits(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and target, for every exit."""
        yield "next", self.next
        yield "no_key", self.no_key
        yield "wrong_key", self.wrong_key
        yield "error", self.error


class ToPerson(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="route"
):
    """Wait for a person and talk."""

    queue: Name  # skill queue, as in the routing policy
    needs: Annotated[dict[Name, Level], msgspec.Meta(min_length=1)]  # skill -> minimum level
    next: Name  # after the talk, when the agent hung up first
    error: Name  # the router could not take the call
    priority: Annotated[int, msgspec.Meta(ge=-100, le=100)] = 0  # added to the queue's; higher goes first
    greeting: Prompts = ()  # said once on joining the line

    def exits(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and target, for every exit."""
        yield "next", self.next
        yield "error", self.error


Step = Announce | Menu | Survey | ToPerson

KINDS = ("announce", "menu", "survey", "route")
"""What a step's `kind` may say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One validated flow; every target exists."""

    name: str  # as in the number table and in saved states
    title: str  # Chinese, for people
    version: str  # changes with the file's content
    start: str  # first step
    resume: str  # route step for a caller whose server died before they were in line
    after_talk: str  # step for a caller whose talk outlived the server and who is known no more
    max_steps: int  # a call that takes more is given up
    steps: Mapping[str, Step]  # by name
    file: str = field(default="flow", compare=False)  # where it was read from
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)  # key path -> line in that file


class FlowDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file's outermost keys; the steps are looked at one by one."""

    flow: Name
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    start: Name
    resume: Name
    after_talk: Name
    steps: Annotated[dict[str, dict[str, object]], msgspec.Meta(min_length=1, max_length=500)]
    max_steps: Annotated[int, msgspec.Meta(ge=2, le=500)] = 40


class NumberDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The number table's keys."""

    default: Name  # flow for numbers that are not in the table
    numbers: Annotated[dict[str, Name], msgspec.Meta(max_length=2000)]  # called number -> flow
