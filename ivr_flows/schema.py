"""What a flow is made of: steps with prompts, and for each way a step can end the name of the next one.

A target is the name of a step, or `hang_up` (the call is over), or `give_up` (this flow cannot go on: a
caller who has not spoken with anybody is taken to a person by the dialplan itself), or `return` (a flow that
another one entered is over, and that one goes on).

The kinds of steps stand in `schema_talk`, `schema_ways` and `schema_ends`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from ivr_flows.schema_ends import Callback, Message, ToPerson, Transfer
from ivr_flows.schema_talk import Announce, CollectDigits, LanguageChoice, Menu, Robot, Say, Survey
from ivr_flows.schema_types import ALL_KEYS, ENDS, GIVE_UP, HANG_UP, RETURN, Name, StepBase
from ivr_flows.schema_ways import Branch, CallerLookup, Hours, SetValues, SubFlow, TakeNote, Web

__all__ = [
    "ALL_KEYS", "ENDS", "GIVE_UP", "HANG_UP", "KINDS", "RETURN", "STEP_KINDS", "Announce", "Branch",
    "Callback", "CallerLookup", "CollectDigits", "Flow", "FlowDocument", "Hours", "LanguageChoice", "Menu",
    "Message", "Robot", "Say", "SetValues", "Step", "StepBase", "SubFlow", "Survey", "TakeNote", "ToPerson",
    "Transfer", "Web",
]  # fmt: skip

Step = (
    Announce
    | Menu
    | CollectDigits
    | Say
    | Hours
    | LanguageChoice
    | CallerLookup
    | Branch
    | SetValues
    | ToPerson
    | Callback
    | Message
    | Transfer
    | Survey
    | Web
    | TakeNote
    | SubFlow
    | Robot
)

STEP_KINDS: Mapping[str, type[StepBase]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        Announce, Menu, CollectDigits, Say, Hours, LanguageChoice, CallerLookup, Branch, SetValues, ToPerson,
        Callback, Message, Transfer, Survey, Web, TakeNote, SubFlow, Robot,
    )
}  # fmt: skip
"""`kind` -> what it makes of a step."""

KINDS = tuple(STEP_KINDS)
"""What a step's `kind` may say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One validated flow; every target exists."""

    name: str  # as in the number table and in saved states
    title: str  # Chinese, for people
    version: str  # changes with the file's content and with that of the flows it enters
    start: str  # first step
    resume: str  # route step for a caller whose server died before they were in line; "" in a sub-flow
    after_talk: str  # step for a caller whose talk outlived the server and who is known no more; "" likewise
    max_steps: int  # a call that takes more is given up
    steps: Mapping[str, Step]  # by name
    file: str = field(default="flow", compare=False)  # where it was read from
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)  # key path -> line in that file
    linked: Mapping[str, Flow] = field(default_factory=dict, compare=False, repr=False)
    """the flows that it enters, directly or through others, as they were when it was loaded"""

    @property
    def sub(self) -> bool:
        """Whether it can only be entered by other flows."""
        return not self.resume

    def enters(self) -> Iterator[tuple[str, str]]:
        """Step and name of every flow that this one enters directly."""
        for name, step in self.steps.items():
            if isinstance(step, SubFlow):
                yield name, step.flow


class FlowDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file's outermost keys; the steps are looked at one by one."""

    flow: Name
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    start: Name
    steps: Annotated[dict[str, dict[str, object]], msgspec.Meta(min_length=1, max_length=500)]
    sub: bool = False  # True: only entered by other flows; needs neither resume nor after_talk
    resume: Name | None = None
    after_talk: Name | None = None
    max_steps: Annotated[int, msgspec.Meta(ge=2, le=500)] = 100
