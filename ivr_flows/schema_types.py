"""Words that all steps share: names, bounds, references to what is known, conditions over it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import msgspec

HANG_UP = "hang_up"
GIVE_UP = "give_up"
RETURN = "return"
ENDS = frozenset({HANG_UP, GIVE_UP, RETURN})

ALL_KEYS = "0123456789*#"

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Prompt = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Prompts = Annotated[tuple[Prompt, ...], msgspec.Meta(max_length=20)]
SomePrompts = Annotated[tuple[Prompt, ...], msgspec.Meta(min_length=1, max_length=20)]
Key = Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]$")]
EndKey = Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]?$")]
Wait = Annotated[float, msgspec.Meta(ge=0, le=30)]
Tries = Annotated[int, msgspec.Meta(ge=1, le=5)]
Level = Annotated[int, msgspec.Meta(ge=1, le=5)]
Score = Annotated[int, msgspec.Meta(ge=1, le=5)]
Priority = Annotated[int, msgspec.Meta(ge=-100, le=100)]
Needs = Annotated[dict[Name, Level], msgspec.Meta(max_length=20)]
_REF = r"(?:fact|var)\.[a-z][a-z0-9_]{0,39}|call\.(?:caller|called|language)"
Ref = Annotated[str, msgspec.Meta(pattern=rf"^(?:{_REF})$")]
RefOrNow = Annotated[str, msgspec.Meta(pattern=rf"^(?:now|{_REF})$")]
FactRef = Annotated[str, msgspec.Meta(pattern=r"^fact\.[a-z][a-z0-9_]{0,39}$")]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Text = Annotated[str, msgspec.Meta(max_length=200)]
"""may hold references in braces: "{fact.number_title}", "{var.score}", "{call.caller}" """
Values = Annotated[dict[Name, Text], msgspec.Meta(max_length=20)]

REFERENCE = re.compile(rf"\{{({_REF})\}}")


def text_problem(text: str) -> str | None:
    """What is wrong with the references in a text, or None."""
    if re.search(r"[{}]", REFERENCE.sub("", text)):
        return "write references as {fact.name}, {var.name}, {call.caller}, {call.called} or {call.language}"
    return None


def check_values(values: dict[str, str]) -> None:
    """Raise ValueError when a value's references are not well written."""
    for name, text in values.items():
        if problem := text_problem(text):
            raise ValueError(f"{name}: {problem}")


class StepBase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every kind of step has: exits."""

    EXITS: ClassVar[tuple[str, ...]] = ()  # keys that name a target
    ACTED: ClassVar[tuple[str, ...]] = ()  # exits that somebody must do something for: key, words, talk

    def exits(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and target, for every exit."""
        for name in self.EXITS:
            if target := getattr(self, name):
                yield name, target

    def passive_exits(self) -> Iterator[tuple[str, str]]:
        """The exits that a caller takes who presses nothing, says nothing, or always errs."""
        for path, target in self.exits():
            if not path.startswith(self.ACTED):
                yield path, target

    def prompts_said(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and prompt, for every prompt that the step may say."""
        for part in ("prompts", "greeting", "listen_invite", "keys_hint", "retry", "confirm", "enter",
                     "invalid", "saved", "accepted", "number_prefix"):  # fmt: skip
            for index, prompt in enumerate(getattr(self, part, ())):
                yield f"{part}[{index}]", prompt

    def reads(self) -> Iterator[tuple[str, str]]:
        """Key path within the step and reference (`var.x`, `fact.x` …), for all that the step reads."""
        yield from ()

    def sets(self) -> Iterator[str]:
        """The variables that the step may set."""
        yield from ()


def refs_in(path: str, text: str) -> Iterator[tuple[str, str]]:
    """References that stand in a text."""
    for found in REFERENCE.finditer(text):
        yield path, found[1]


class Comparison(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One comparison of something known with a fixed value; what is not known fails it, but see `exists`."""

    subject: Ref | None = msgspec.field(default=None, name="if")  # what is looked at
    equals: str | int | float | None = msgspec.field(default=None, name="is")  # the same text, or number
    among: tuple[str, ...] | None = msgspec.field(default=None, name="in")  # one of these texts
    exists: bool | None = None  # known and not empty, or not
    holds: bool | None = None  # says yes, true or 1 (what is not known does not hold), or not
    at_least: float | None = None  # a number as big
    at_most: float | None = None  # a number as small
    passed: bool | None = None  # a date (2026-12-31) before today, or today and later

    def __post_init__(self) -> None:
        """Exactly one comparison."""
        said = [name for name in _COMPARISONS if getattr(self, name) is not None]
        if self.subject is not None and len(said) != 1:
            raise ValueError("say exactly one of is, in, exists, holds, at_least, at_most, passed")
        if self.subject is None and said:
            raise ValueError("say with `if` what is compared, such as fact.known or var.choice")


_COMPARISONS = ("equals", "among", "exists", "holds", "at_least", "at_most", "passed")


class OneComparison(Comparison, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A comparison inside `all` or `any`."""

    def __post_init__(self) -> None:
        """The subject is not left out."""
        Comparison.__post_init__(self)
        if self.subject is None:
            raise ValueError("say with `if` what is compared, such as fact.known or var.choice")


SomeComparisons = Annotated[tuple[OneComparison, ...], msgspec.Meta(min_length=1, max_length=20)]


class Case(Comparison, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way of a branch: one comparison, or several of which all or any must be true."""

    then: Name  # target
    all_of: SomeComparisons | None = msgspec.field(default=None, name="all")
    any_of: SomeComparisons | None = msgspec.field(default=None, name="any")

    def __post_init__(self) -> None:
        """One condition, of one form."""
        Comparison.__post_init__(self)
        if sum(one is not None for one in (self.subject, self.all_of, self.any_of)) != 1:
            raise ValueError("say exactly one of if, all, any")

    def comparisons(self) -> Iterator[tuple[str, Comparison]]:
        """Key path within the case and comparison."""
        if self.subject is not None:
            yield "if", self
        for path, group in (("all", self.all_of), ("any", self.any_of)):
            for index, test in enumerate(group or ()):
                yield f"{path}[{index}].if", test


def compiled(pattern: str) -> re.Pattern[Any]:
    """A pattern, or ValueError; one that repeats a group could take for ever on a caller's digits."""
    if re.search(r"\)[*+{]", pattern):
        raise ValueError("a group must not be repeated: write (ab)(ab) in place of (ab){2}")
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"no pattern: {error}") from None
