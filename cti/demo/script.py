"""Scenarios of the demo: what citizen and agent say, how it sounds, and the order that should come of it.

The files are `cti/demo/citizens/*.yaml` with their audio beside them in `audio/` (8 kHz mono PCM16 WAV),
and the city they speak of is `cti/demo/city.yaml`. The same scenarios drive the scripted callers, the tests
and the measuring of drafts, so that all three speak of one city.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import yaml
from msgspec import Meta

from ivr_flows.kokoro import Spoken
from ivr_flows.speech import spell_digits

DEMO = Path(__file__).resolve().parent
CITIZENS = DEMO / "citizens"
CITIZENS_AUDIO = CITIZENS / "audio"
CITY = DEMO / "city.yaml"

MAX_FILE_BYTES = 64 * 1024
MAX_SCENARIOS = 200

Identifier = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
AudioName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\.wav$")]
Phone = Annotated[str, Meta(pattern=r"^1[3-9][0-9]{9}$")]
Name = Annotated[str, Meta(min_length=1, max_length=40)]
Sentence = Annotated[str, Meta(min_length=1, max_length=200)]

Speaker = Literal["citizen", "agent"]
Urgency = Literal["一般", "紧急", "特急"]
OrderType = Literal["咨询", "求助", "投诉", "举报", "建议", "表扬"]


class ScriptError(ValueError):
    """A demo file that cannot be used; the message names the file, the key and what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One sentence of a conversation."""

    speaker: Speaker
    """who speaks"""
    text: Sentence
    """what is said, numbers spelled as they are spoken"""
    audio: AudioName
    """file name inside the scenario folder's `audio/`; agents' common lines are shared between scenarios"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voices:
    """The synthesiser's voices of a scenario."""

    citizen: Identifier
    """voice of the citizen's turns"""
    agent: Identifier
    """voice of the agent's turns; the same in every scenario that shares lines"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a correct work order of the scenario holds; `None` where the conversation does not say it."""

    type: OrderType
    """诉求类型"""
    category: tuple[Name, Name]
    """诉求分类, two levels"""
    unit: Name
    """承办单位: an organisation or a street of the city"""
    district: Name | None
    """区"""
    street: Name | None
    """街道 or 镇"""
    place: Name | None
    """the place as it was said, without district and street"""
    surname: Name | None
    """the citizen's family name"""
    phone: Phone
    """number to call back: the one that was said, else the caller's"""
    phone_spoken: bool
    """whether the citizen says the number, so that it has to be recognised"""
    occurred: Name | None
    """the words that tell when it happened"""
    urgency: Urgency
    """how urgent the matter is"""
    keywords: tuple[Name, ...]
    """words that the order's text must contain in some form"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One citizen's call."""

    id: Identifier
    """name of the scenario and of its file"""
    title: Name
    """the order's title as a person would write it"""
    caller: Phone
    """calling number, fictitious"""
    key: Annotated[str, Meta(pattern=r"^[0-9*#]$")] | None
    """key pressed during the greeting, or nothing"""
    satisfaction: Annotated[str, Meta(pattern=r"^[1-5]$")] | None
    """key pressed in the survey, or `None` when the citizen hangs up"""
    voices: Voices
    """who sounds how"""
    turns: Annotated[tuple[Turn, ...], Meta(min_length=2, max_length=40)]
    """the conversation in order, the agent first"""
    expect: Expected
    """the order that should come of it"""

    def said_by(self, speaker: Speaker) -> str:
        """Return all that `speaker` says, turns joined by a line break."""
        return "\n".join(turn.text for turn in self.turns if turn.speaker == speaker)


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """区."""

    name: Name
    aliases: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """街道 or 镇, inside one district."""

    name: Name
    district: Name
    aliases: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An estate, school, hospital, market …, inside one street."""

    name: Name
    kind: Name
    street: Name
    aliases: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """A road; it may cross several districts."""

    name: Name
    districts: Annotated[tuple[Name, ...], Meta(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """A department or a utility company, as a unit that handles orders or as something citizens speak of."""

    name: Name
    kind: Name
    aliases: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """The gazetteer of the demo's city."""

    name: Name
    districts: tuple[District, ...]
    streets: tuple[Street, ...]
    places: tuple[Place, ...]
    roads: tuple[Road, ...]
    organisations: tuple[Organisation, ...]


_T = TypeVar("_T")


def load_scenarios(folder: Path = CITIZENS) -> tuple[Scenario, ...]:
    """Read every `*.yaml` of a folder, in the order of their names.

    Raises `ScriptError` when the folder has none or more than `MAX_SCENARIOS`, when a file does not fit
    `Scenario`, when its id is not its file's name, or when two scenarios give one audio file different words
    or voices.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files or len(files) > MAX_SCENARIOS:
        raise ScriptError(
            f"{folder}: {len(files)} scenario files; there must be between 1 and {MAX_SCENARIOS} named *.yaml"
        )
    scenarios = tuple(_load(file, Scenario) for file in files)
    for file, scenario in zip(files, scenarios, strict=True):
        if scenario.id != file.stem:
            raise ScriptError(f"{file}: id is {scenario.id!r}; it must be the file's name, {file.stem!r}")
        if scenario.turns[0].speaker != "agent":
            raise ScriptError(f"{file}: turns.0.speaker is 'citizen'; the agent greets first")
    spoken_lines(scenarios)
    return scenarios


def spoken_lines(scenarios: Iterable[Scenario]) -> dict[str, tuple[str, str]]:
    """Return audio file name → (text, voice) for every turn; shared lines appear once.

    Raises `ScriptError` when one audio file is given two texts or two voices.
    """
    lines: dict[str, tuple[str, str]] = {}
    for scenario in scenarios:
        for turn in scenario.turns:
            voice = scenario.voices.citizen if turn.speaker == "citizen" else scenario.voices.agent
            line = (turn.text, voice)
            if lines.setdefault(turn.audio, line) != line:
                raise ScriptError(
                    f"{scenario.id}: audio {turn.audio!r} is {line} here and {lines[turn.audio]} elsewhere; "
                    "give one of them a file of its own"
                )
    return lines


def voice_lines(scenarios: Iterable[Scenario]) -> tuple[Spoken, ...]:
    """Return every turn once, for `build_lines` and `check_lines` of `ivr_flows.synthesis`."""
    return tuple(
        Spoken(key=Path(audio).stem, text=text, spelling=spell_digits(text), voice=voice, fragment=False)
        for audio, (text, voice) in spoken_lines(scenarios).items()
    )


def load_city(path: Path = CITY) -> City:
    """Read the gazetteer.

    Raises `ScriptError` when the file does not fit `City`, when a list names one thing twice, or when a
    street, place or road refers to a district or street that the file does not have.
    """
    city = _load(path, City)
    districts = _unique(path, "districts", (item.name for item in city.districts))
    streets = _unique(path, "streets", (item.name for item in city.streets))
    _unique(path, "places", (item.name for item in city.places))
    _unique(path, "roads", (item.name for item in city.roads))
    _unique(path, "organisations", (item.name for item in city.organisations))
    for street in city.streets:
        _known(path, f"streets: {street.name}: district", street.district, districts)
    for place in city.places:
        _known(path, f"places: {place.name}: street", place.street, streets)
    for road in city.roads:
        for district in road.districts:
            _known(path, f"roads: {road.name}: districts", district, districts)
    return city


def _unique(path: Path, key: str, names: Iterable[str]) -> frozenset[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ScriptError(f"{path}: {key}: {name!r} is there twice")
        seen.add(name)
    return frozenset(seen)


def _known(path: Path, key: str, value: str, known: frozenset[str]) -> None:
    if value not in known:
        raise ScriptError(f"{path}: {key} is {value!r}, which the file does not have")


def _load(path: Path, type_: type[_T]) -> _T:
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise ScriptError(f"{path}: {size} bytes; at most {MAX_FILE_BYTES} are read")
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path}: not YAML in UTF-8: {error}") from error
    if not isinstance(data, Mapping):
        raise ScriptError(f"{path}: holds {type(data).__name__}; it must hold keys and values")
    try:
        return msgspec.convert(data, type_)
    except msgspec.ValidationError as error:
        raise ScriptError(f"{path}: {error}") from error
