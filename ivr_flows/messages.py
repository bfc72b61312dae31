"""What a flow asks the telephone side to do, and what it is told back.

The engine is pure: `FlowRun.start()` and `FlowRun.handle(event)` return the next `Action`;
the shell in `cti` carries it out over AGI and answers with one `Event`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# ---------------------------------------------------------------- actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Play prompts one after another; the first key among `keys` stops them and is kept."""

    prompts: tuple[str, ...]  # keys of the prompt manifest
    keys: str = ""  # digits that interrupt, empty: none
    wait_s: float = 0.0  # how long a key still counts after the last prompt, seconds
    flush: bool = False  # keys pressed before do not answer: forget them first


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Hand the call to the router and come back when the talk is over or the wait is given up."""

    queue: str  # the skill queue's name
    needs: Mapping[str, int]  # skill -> minimum level
    also: tuple[str, ...] = ()  # further queues, same place
    priority: int = 0  # each point counts as some seconds of waiting
    urgent: bool = False  # before everybody who is not
    prefer: tuple[str, ...] = ()  # agents who know the matter: last agent, case owner
    greeting: tuple[str, ...] = ()  # prompts played once on joining the line
    listen: bool = False  # what the citizen says while waiting fills the draft and may choose the skill
    listen_invite: tuple[str, ...] = ()  # said once after the greeting, with `listen`
    keys: tuple[str, ...] = ()  # keys that leave the line for the flow: `LeftLine`
    keys_hint: tuple[str, ...] = ()  # said with every place announcement: what the keys do
    max_wait_s: float | None = None  # the flow takes the call back after so long: `LeftLine`; None: never


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """Note the citizen's rating; the shell stores it and answers with `Done`."""

    score: int  # 5 very satisfied … 1 very dissatisfied


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """Play prompts and gather digits; the first digit stops the prompts and counts."""

    prompts: tuple[str, ...]  # keys of the prompt manifest
    most: int  # as many digits end it
    end_key: str = "#"  # ends it earlier and is not part of the digits; "" none
    first_s: float = 5.0  # wait for the first digit after the prompts, seconds
    next_s: float = 3.0  # wait between digits, seconds
    flush: bool = False  # keys pressed before do not count: forget them first


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Play prompts and listen with the recogniser; a key stops it and is kept; speech may interrupt."""

    prompts: tuple[str, ...]  # keys of the prompt manifest
    keys: str = ""  # digits that count; empty: none
    wait_s: float = 6.0  # for the first word after the prompts, seconds
    most_s: float = 20.0  # in all, seconds
    flush: bool = False  # keys pressed before do not answer: forget them first


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """Ask what is known of the calling number: answered with `LookedUp`, within `within_s` in any case."""

    within_s: float = 0.8  # no caller waits longer for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Record a voice message (留言); it becomes work by itself."""

    prompts: tuple[str, ...]  # said before the tone
    most_s: float = 120.0  # longest message, seconds
    silence_s: float = 4.0  # so much silence ends it
    purpose: str = "message"  # "message" (留言) or "flood" and the like: kept with the work


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOut:
    """Connect the citizen with a number outside: a sub-centre, a utility."""

    number: str  # telephone number
    ring_s: float = 25.0  # how long it may ring
    greeting: tuple[str, ...] = ()  # said before


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferCallback:
    """The citizen wants to be called back: the place in line is kept, then the call ends."""

    number: str  # where to call back, "" the calling number
    queue: str  # in which queue when the citizen was not in line yet
    needs: Mapping[str, int]  # likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """Ask another system of the city; the answer's top-level strings and numbers become facts."""

    name: str  # one of the requests that the settings allow: address and secret are there, not in flows
    values: Mapping[str, str]  # sent as a JSON object
    within_s: float = 2.0  # deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to be kept with the call (or the order it is about): journalled, answered with `Done`."""

    kind: str  # "visit" (回访结果), "nuisance", "wanted_text_only" …
    values: Mapping[str, str]  # e.g. {"solved": "yes", "satisfied": "4"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """The flow is over."""

    reason: str  # "finished", "caller_gone", "error"


Action = (
    Play
    | Collect
    | Listen
    | LookUp
    | Record
    | Route
    | OfferCallback
    | TransferOut
    | WebRequest
    | Note
    | Rated
    | HangUp
)

# ---------------------------------------------------------------- events


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Prompts (and the wait after them) ended."""

    key: str | None = None  # the digit pressed, None when nothing was


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """Digits were gathered, or none came."""

    digits: str = ""  # without the end key
    ended: bool = False  # the end key was pressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Listening ended: words, or a key, or neither (silence)."""

    text: str = ""  # readable text of all that was said
    confidence: float = 0.0  # 0 to 1
    key: str | None = None  # pressed instead


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """What is known of the caller; empty when nobody could be asked in time."""

    facts: Mapping[str, str]  # known, blocked, nuisance, last_agent, case_owner, open_orders, language …


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The message is kept, or there was none."""

    seconds: float  # 0: nothing was said


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftLine:
    """The citizen pressed one of the route's keys, or waited as long as the flow allows."""

    key: str | None = None  # None: `max_wait_s` was over


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOver:
    """The outside call ended, and the citizen is still there."""

    result: str  # "answered", "busy", "no_answer", "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAnswered:
    """The other system answered in time."""

    facts: Mapping[str, str]  # top-level strings and numbers of its JSON object


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkOver:
    """The agent hung up first; the citizen is still there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteFailed:
    """The router could not take the call at all (unknown queue, server stopping)."""

    reason: str  # for the journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The last action (Rated, Note, OfferCallback) was carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp:
    """The citizen hung up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The telephone side could not carry the action out (missing sound file, refused command)."""

    reason: str  # for the journal


Event = (
    Played
    | Collected
    | Heard
    | LookedUp
    | Recorded
    | LeftLine
    | TransferOver
    | WebAnswered
    | TalkOver
    | RouteFailed
    | Done
    | HungUp
    | Failed
)
