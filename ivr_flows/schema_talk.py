"""Steps that speak with the caller: say, ask, collect, listen."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from ivr_flows.schema_types import (
    EndKey,
    FactRef,
    Key,
    Name,
    Needs,
    Prompts,
    RefOrNow,
    Score,
    SomePrompts,
    StepBase,
    Tries,
    Wait,
    Word,
    compiled,
)

MAX_COLLECT = 24
"""digits that one step gathers at most"""


class Announce(StepBase, frozen=True, kw_only=True, tag="announce"):
    """Say something and go on."""

    EXITS: ClassVar[tuple[str, ...]] = ("next", "error")

    prompts: SomePrompts  # one after another; a key ends them all and is kept for the next question
    next: Name  # afterwards
    error: Name  # the prompts could not be played
    prompts_from: FactRef | None = None  # a fact that names other prompts, with blanks between them
    interrupt: bool = True  # False: no key cuts it short (a legal notice)

    def reads(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and reference."""
        if self.prompts_from:
            yield "prompts_from", self.prompts_from


class Menu(StepBase, frozen=True, kw_only=True, tag="menu"):
    """Say something; a key, even in the middle of it, leads on."""

    EXITS: ClassVar[tuple[str, ...]] = ("no_key", "wrong_key", "error")
    ACTED: ClassVar[tuple[str, ...]] = ("keys.",)

    prompts: SomePrompts  # any key interrupts them
    keys: Annotated[dict[Key, Name], msgspec.Meta(min_length=1)]  # key -> target
    no_key: Name  # nothing was pressed
    wrong_key: Name  # a key without meaning was pressed, in the last try
    error: Name  # the prompts could not be played
    wait_s: Wait = 3.0  # a key counts this long after the last prompt, seconds
    tries: Tries = 1  # wrong keys allowed are one fewer
    retry: Prompts = ()  # said before the prompts after a wrong key
    flush: bool = False  # True: keys pressed before the question do not answer it

    def exits(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and target, for every exit."""
        for key, target in self.keys.items():
            yield f"keys.{key}", target
        yield from StepBase.exits(self)


class Language(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language that callers may choose."""

    language: Name  # kept with the call as call.language
    needs: Needs = msgspec.field(default_factory=dict)  # skill -> minimum level that it takes


class LanguageChoice(StepBase, frozen=True, kw_only=True, tag="language"):
    """A menu whose keys choose the language that a person must speak."""

    EXITS: ClassVar[tuple[str, ...]] = ("next", "no_key", "wrong_key", "error")
    ACTED: ClassVar[tuple[str, ...]] = ("next",)

    prompts: SomePrompts  # any key interrupts them
    choices: Annotated[dict[Key, Language], msgspec.Meta(min_length=1)]  # key -> language
    next: Name  # a language was chosen
    no_key: Name  # nothing was pressed
    wrong_key: Name  # a key without meaning was pressed, in the last try
    error: Name  # the prompts could not be played
    wait_s: Wait = 3.0  # a key counts this long after the last prompt, seconds
    tries: Tries = 1  # wrong keys allowed are one fewer
    retry: Prompts = ()  # said before the prompts after a wrong key
    flush: bool = False  # True: keys pressed before the question do not answer it


class CollectDigits(StepBase, frozen=True, kw_only=True, tag="collect"):
    """Gather digits into a variable; what is typed ahead counts."""

    EXITS: ClassVar[tuple[str, ...]] = ("next", "none", "wrong", "error")
    ACTED: ClassVar[tuple[str, ...]] = ("next",)

    prompts: SomePrompts  # the first digit stops them
    into: Name  # variable
    most: Annotated[int, msgspec.Meta(ge=1, le=MAX_COLLECT)]  # as many digits end it
    next: Name  # the digits are as they should be
    none: Name  # nothing was typed, in the last try
    wrong: Name  # too few digits, or others than wanted, in the last try
    error: Name  # the telephone side could not do it
    least: Annotated[int, msgspec.Meta(ge=1, le=MAX_COLLECT)] = 1  # fewer are wrong
    lengths: tuple[Annotated[int, msgspec.Meta(ge=1, le=MAX_COLLECT)], ...] = ()  # only so many; (): any
    pattern: Annotated[str, msgspec.Meta(max_length=100)] = ""  # regular expression of the whole; "": any
    end_key: EndKey = "#"  # ends it earlier; "" none
    first_s: Wait = 5.0  # wait for the first digit after the prompts, seconds
    next_s: Wait = 3.0  # wait between digits, seconds
    tries: Tries = 2  # how often it is asked
    retry: Prompts = ()  # said before the prompts when it is asked again
    flush: bool = False  # True: keys pressed before the question do not count

    def __post_init__(self) -> None:
        """Bounds must leave something that can be typed."""
        compiled(self.pattern)
        if self.least > self.most:
            raise ValueError(f"least {self.least} is more than most {self.most}: correct one of them")
        if self.lengths and not any(self.least <= length <= self.most for length in self.lengths):
            raise ValueError(f"no length is between {self.least} and {self.most}: correct them")

    def sets(self) -> Iterator[str]:
        """The variables that the step may set."""
        yield self.into


class SayAs(StrEnum):
    """How a value is said."""

    NUMBER = "number"  # 一百一十二
    COUNT = "count"  # of something: 两件, not 二件
    DIGITS = "digits"  # 幺幺二
    DATE = "date"  # of 2026-12-31, or of `now`
    TIME = "time"  # of 14:30, or of `now`
    PROMPTS = "prompts"  # the prompts that `choices` names for the value


class Say(StepBase, frozen=True, kw_only=True, tag="say"):
    """Say a value in Chinese; what cannot be said takes the exit `error`."""

    EXITS: ClassVar[tuple[str, ...]] = ("next", "error")

    value: RefOrNow  # reference, or now
    say_as: SayAs = msgspec.field(name="as")  # number, count, digits, date, time, prompts
    next: Name  # afterwards
    error: Name  # unknown, cannot be said that way, or the prompts could not be played
    before: Prompts = ()  # said before it
    after: Prompts = ()  # said after it
    choices: Annotated[dict[Word, SomePrompts], msgspec.Meta(max_length=50)] = msgspec.field(
        default_factory=dict
    )  # with `as: prompts`: value -> prompts

    def __post_init__(self) -> None:
        """Way and value must fit."""
        if (self.say_as is SayAs.PROMPTS) != bool(self.choices):
            raise ValueError("`as: prompts` and `choices` belong together")
        if self.value == "now" and self.say_as not in (SayAs.DATE, SayAs.TIME):
            raise ValueError("`now` is said as date or time")

    def prompts_said(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and prompt."""
        groups = {"before": self.before, "after": self.after}
        groups |= {f"choices.{value}": prompts for value, prompts in self.choices.items()}
        for part, prompts in groups.items():
            for index, prompt in enumerate(prompts):
                yield f"{part}[{index}]", prompt

    def reads(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and reference."""
        if self.value != "now":
            yield "value", self.value


class Survey(StepBase, frozen=True, kw_only=True, tag="survey"):
    """Ask for a rating, note it, go on."""

    EXITS: ClassVar[tuple[str, ...]] = ("next", "no_key", "wrong_key", "error")
    ACTED: ClassVar[tuple[str, ...]] = ("next",)

    prompts: SomePrompts  # any key interrupts them
    scores: Annotated[dict[Key, Score], msgspec.Meta(min_length=1)]  # key -> 5 very satisfied … 1
    next: Name  # after the rating was noted
    no_key: Name  # nothing was pressed or said
    wrong_key: Name  # a key or words without meaning, in the last try
    error: Name  # the prompts could not be played, or the rating not noted
    wait_s: Wait = 6.0  # a key counts this long after the last prompt, seconds
    tries: Tries = 2  # wrong keys allowed are one fewer
    retry: Prompts = ()  # said before the prompts after a wrong key
    listen: bool = False  # words count, too: 非常满意 … 非常不满意, and numbers
    into: Name | None = None  # variable for the score
    flush: bool = True  # False: keys pressed before the question answer it

    def sets(self) -> Iterator[str]:
        """The variables that the step may set."""
        if self.into:
            yield self.into


class Meaning(StrEnum):
    """What `understand` knows without being given words."""

    YES = "yes"
    NO = "no"
    SOLVED = "solved"  # 解决了, 办好了, 是的
    UNSOLVED = "unsolved"  # 没有解决, 还没人管, 不是
    SATISFIED = "satisfied"  # any of the five words of satisfaction: the score goes to `into`
    NUMBER = "number"  # a number from 1 to `most`: goes to `into`
    MACHINE = "machine"  # an answering machine, or the network's announcement


class Intent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that a citizen may want to say."""

    next: Name  # target
    phrases: Annotated[tuple[Word, ...], msgspec.Meta(max_length=100)] = ()  # words that say so
    means: Meaning | None = None  # or what is known already
    most: Annotated[int, msgspec.Meta(ge=1, le=99)] = 5  # with `means: number`: the greatest
    keys: Annotated[dict[Key, Word], msgspec.Meta(max_length=12)] | tuple[Key, ...] = ()
    """the same by key; with `into` a table key -> value, else a list"""
    confirm: Prompts = ()  # "did you say …?": asked when the words were not heard surely

    def values(self) -> dict[str, str]:
        """Key -> value that it stands for."""
        if isinstance(self.keys, dict):
            return self.keys
        return {key: key for key in self.keys}

    def __post_init__(self) -> None:
        """It must be possible to say it."""
        if not (self.phrases or self.means or self.keys):
            raise ValueError("say with phrases, means or keys how a citizen says so")


class Robot(StepBase, frozen=True, kw_only=True, tag="robot"):
    """Ask, listen, understand; keys say the same, and whoever asks for a person gets one."""

    EXITS: ClassVar[tuple[str, ...]] = ("person", "anything", "none", "unclear", "error")
    ACTED: ClassVar[tuple[str, ...]] = ("intents.", "person", "anything")

    prompts: SomePrompts  # the question; speech and keys interrupt it
    person: Name  # the citizen asks for a person (人工)
    none: Name  # nothing was said, in the last try
    unclear: Name  # not understood, in the last try
    error: Name  # the question could not be asked
    intents: Annotated[dict[Name, Intent], msgspec.Meta(max_length=30)] = msgspec.field(default_factory=dict)
    anything: Name | None = None  # whatever else is said is an answer, too
    person_key: EndKey = "0"  # asks for a person, too; "": none
    into: Name | None = None  # variable for the number, the score, the key's value, or the intent's name
    words_into: Name | None = None  # variable for what was said (200 characters at most)
    wait_s: Wait = 5.0  # for the first word after the question, seconds
    most_s: Annotated[float, msgspec.Meta(ge=1, le=60)] = 15.0  # in all, seconds
    tries: Tries = 2  # how often it is asked
    retry: Prompts = ()  # said before the question when it is asked again
    confirm_below: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.6  # surer words need no confirming
    flush: bool = False  # True: keys pressed before the question do not answer it

    def __post_init__(self) -> None:
        """Every key has one meaning, and there is something to understand."""
        if not self.intents and self.anything is None:
            raise ValueError("say with intents or anything what an answer is")
        seen = {self.person_key} if self.person_key else set()
        for name, intent in self.intents.items():
            for key in intent.values():
                if key in seen:
                    raise ValueError(f"key {key} of intent {name} means something else already")
                seen.add(key)

    def exits(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and target, for every exit."""
        for name, intent in self.intents.items():
            yield f"intents.{name}.next", intent.next
        yield from StepBase.exits(self)

    def prompts_said(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and prompt."""
        yield from StepBase.prompts_said(self)
        for name, intent in self.intents.items():
            for index, prompt in enumerate(intent.confirm):
                yield f"intents.{name}.confirm[{index}]", prompt

    def sets(self) -> Iterator[str]:
        """The variables that the step may set."""
        yield from (name for name in (self.into, self.words_into) if name)
