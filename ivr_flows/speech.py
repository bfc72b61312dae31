"""What the machine says: the prompt manifest, and numbers put together from recorded words.

Playing is a list of prompt keys (see `messages.Play`): a number such as 112 becomes the keys
of 一 百 一 十 二, so that every number can be said from seventeen recordings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import yaml
from msgspec import Meta

PROMPTS = Path(__file__).resolve().parent / "prompts"
MANIFEST = PROMPTS / "manifest.yaml"
AUDIO = PROMPTS / "audio"

MAX_MANIFEST_BYTES = 256 * 1024
MAX_NUMBER = 99_999_999
MAX_DIGITS = 24

Key = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
VoiceName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
PromptText = Annotated[str, Meta(min_length=1, max_length=200)]

NUMBER_WORDS: Mapping[str, str] = {
    "零": "number_0",
    "一": "number_1",
    "二": "number_2",
    "三": "number_3",
    "四": "number_4",
    "五": "number_5",
    "六": "number_6",
    "七": "number_7",
    "八": "number_8",
    "九": "number_9",
    "十": "number_10",
    "百": "number_100",
    "千": "number_1000",
    "万": "number_10000",
    "点": "number_point",
    "两": "number_pair",
    "幺": "digit_1",
}
"""Word → key of the prompt that says it."""

EXACT_POSITIONS = 20
"""places in line that are told exactly"""
POSITIONS_OVER = (20, 50, 100)
"""what is told beyond: more than so many"""
WAIT_MINUTES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30)
"""expected waits that can be told, minutes, ascending"""

_T = TypeVar("_T")

_DIGITS = "零一二三四五六七八九"
_UNITS = ("", "十", "百", "千")


class PromptError(ValueError):
    """A prompt or a number that cannot be said; the message names the key and the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One sentence, or one word that sentences are built of."""

    text: PromptText
    """what the citizen hears, as it is written"""
    voice: VoiceName | None = None
    """voice of the synthesiser, when it is not the manifest's"""
    say: PromptText | None = None
    """spelling for the synthesiser, when reading the text aloud would come out wrong"""
    style: Annotated[int, Meta(ge=1, le=400)] | None = None
    """row of the voice's table of styles, for a lone word that comes out badly with the usual one"""
    speed: Annotated[float, Meta(ge=0.5, le=2.0)] | None = None
    """pace of the synthesiser, when it is not 1"""
    note: Annotated[str, Meta(max_length=200)] | None = None
    """for those who record or place the sentence"""

    @property
    def spelling(self) -> str:
        """What a voice reads: `say` or `text`, digits written out."""
        return spell_digits(self.say or self.text)

    @property
    def fragment(self) -> bool:
        """Whether other words follow without a pause: the text does not end a sentence."""
        return self.text[-1] not in "。？！"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Every prompt of the hotline."""

    voice: VoiceName
    """voice of the prompts that name none"""
    prompts: Annotated[dict[Key, Prompt], Meta(min_length=1, max_length=1000)]
    """key → prompt; the key is also the name of the audio file"""

    def voice_of(self, key: str) -> str:
        """Return the voice that reads `key`."""
        return self.prompts[key].voice or self.voice


def load_manifest(path: Path = MANIFEST) -> Manifest:
    """Read and check a manifest.

    Raises `PromptError`, naming file, key and value, when it is not YAML, does not fit `Manifest`, holds an
    unknown or repeated key, or when a prompt contains letters that no voice can read.
    """
    size = path.stat().st_size
    if size > MAX_MANIFEST_BYTES:
        raise PromptError(f"{path}: {size} bytes; at most {MAX_MANIFEST_BYTES} are read")
    try:
        data: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PromptError(f"{path}: not YAML in UTF-8: {error}") from error
    if not isinstance(data, dict):
        raise PromptError(f"{path}: holds {type(data).__name__}; it must hold the keys voice and prompts")
    _refuse_unknown(path, "", data, {"voice", "prompts"})
    prompts = data.get("prompts")
    if isinstance(prompts, dict):
        for key, prompt in prompts.items():
            if isinstance(prompt, dict):
                _refuse_unknown(
                    path, f"prompts.{key}.", prompt, {"text", "voice", "say", "style", "speed", "note"}
                )
                _convert(path, f"prompts.{key}", prompt, Prompt)
    manifest = _convert(path, "", data, Manifest)
    for key, prompt in manifest.prompts.items():
        if unreadable := re.search(r"[^\u4e00-\u9fff，。？！、；：]", prompt.spelling):
            raise PromptError(
                f"{path}: prompts.{key}: {unreadable[0]!r} in {prompt.spelling!r} cannot be read aloud; "
                "write it in Chinese characters, or give the spoken form under say"
            )
    return manifest


def spell_number(value: int) -> str:
    """Return how a whole number from 0 to `MAX_NUMBER` is said: 102 → 一百零二, 20 → 二十, 12 → 十二.

    二 becomes 两 before 百 (at the beginning), 千 and 万, as it is spoken: 200 → 两百, 22000 → 两万两千.
    Raises `PromptError` outside the range.
    """
    if not 0 <= value <= MAX_NUMBER:
        raise PromptError(f"number {value}: only 0 to {MAX_NUMBER} can be said")
    if value == 0:
        return "零"
    high, low = divmod(value, 10_000)
    words = ""
    if high:
        words = ("两" if high == 2 else _below_ten_thousand(high)) + "万"
        if 0 < low < 1000:
            words += "零"
    if low:
        words += _below_ten_thousand(low)
    return words.removeprefix("一") if words.startswith("一十") else words


def _below_ten_thousand(value: int) -> str:
    words, gap = "", False
    for power in (3, 2, 1, 0):
        digit = value // 10**power % 10
        if digit == 0:
            gap = bool(words)
            continue
        if gap:
            words, gap = words + "零", False
        pair = digit == 2 and (power == 3 or (power == 2 and not words))
        words += ("两" if pair else _DIGITS[digit]) + _UNITS[power]
    return words


def spell_each(digits: str) -> str:
    """Return digits read one by one, as telephone and seat numbers are: 1380 → 幺三八零.

    Raises `PromptError` when there are none, more than `MAX_DIGITS`, or anything but 0 to 9.
    """
    if not re.fullmatch(rf"[0-9]{{1,{MAX_DIGITS}}}", digits):
        raise PromptError(f"digits of length {len(digits)}: only 1 to {MAX_DIGITS} of 0 to 9 can be said")
    return "".join("幺" if digit == "1" else _DIGITS[int(digit)] for digit in digits)


def spell_digits(text: str) -> str:
    """Return a text with its digits as words.

    Five digits and more, and those with a leading 0, are read one by one; fewer as a number.
    """

    def spell(match: re.Match[str]) -> str:
        digits = match[0]
        if len(digits) >= 5 or (len(digits) > 1 and digits[0] == "0"):
            return spell_each(digits)
        return spell_number(int(digits))

    return re.sub(r"[0-9]+", spell, text)


def word_keys(words: str) -> tuple[str, ...]:
    """Return the prompt keys of number words, one each.

    Raises `PromptError` for a character that is not a number word.
    """
    if unknown := [word for word in words if word not in NUMBER_WORDS]:
        raise PromptError(f"{unknown[0]!r} is not a number word; there are {''.join(NUMBER_WORDS)}")
    return tuple(NUMBER_WORDS[word] for word in words)


def digits_prompts(digits: str) -> tuple[str, ...]:
    """Return the keys that read a telephone or seat number digit by digit."""
    return word_keys(spell_each(digits))


def position_prompts(ahead: int) -> tuple[str, ...]:
    """Return the keys that tell how many citizens are ahead in line.

    None ahead: "you are next"; up to 20 exactly; above that "more than" 20, 50 or 100.
    Raises `PromptError` when `ahead` is negative.
    """
    if ahead < 0:
        raise PromptError(f"{ahead} citizens ahead: only 0 and more can be said")
    if ahead == 0:
        return ("position_next",)
    if ahead <= EXACT_POSITIONS:
        return (f"position_{ahead}",)
    return (f"position_over_{max(over for over in POSITIONS_OVER if over < ahead)}",)


def wait_prompts(seconds: float) -> tuple[str, ...]:
    """Return the keys that tell the expected wait, rounded up to one of `WAIT_MINUTES`.

    Below a minute and above the longest no number is said: being promised an hour only makes people hang up.
    Raises `PromptError` when `seconds` is negative or not a number.
    """
    if not seconds >= 0:
        raise PromptError(f"wait of {seconds} s: only 0 and more can be said")
    if seconds < 60:
        return ("wait_under_minute",)
    if longer := [minutes for minutes in WAIT_MINUTES if seconds <= minutes * 60]:
        return (f"wait_{longer[0]}",)
    return ("wait_long",)


def seat_prompts(number: str) -> tuple[str, ...]:
    """Return the keys of "工号 … 为您服务", which tell the citizen who answers."""
    return ("agent_prefix", *digits_prompts(number), "agent_suffix")


def callback_number_prompts(number: str) -> tuple[str, ...]:
    """Return the keys that read a number back before it is used for calling back."""
    return ("callback_number_prefix", *digits_prompts(number))


class _UniqueKeys(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, which YAML would answer with the last value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key_node.value!r} is there twice", key_node.start_mark
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def _refuse_unknown(path: Path, where: str, data: dict[Any, Any], known: set[str]) -> None:
    for key in data:
        if key not in known:
            raise PromptError(f"{path}: {where}{key} is not known; there are {', '.join(sorted(known))}")


def _convert(path: Path, where: str, data: object, type_: type[_T]) -> _T:
    try:
        return msgspec.convert(data, type_)
    except msgspec.ValidationError as error:
        raise PromptError(f"{path}: {where}: {error}" if where else f"{path}: {error}") from error
