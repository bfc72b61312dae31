"""Training texts as they would be spoken and misheard: short, without formal openings, with homophones."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from asr.gazetteer import sound

_OPENING = re.compile(
    r"^(?:尊敬的?|敬爱的)[^，。！：:\n]{0,24}[，。！：:\s]*|^(?:您好|你好|领导好|各位领导)[，。！!：:\s]*"
    r"|^(?:我是|我叫|本人是?|我们是)[^，。！]{0,24}[，。]"
)
_ENDS = re.compile(r"(?<=[，。！？!?；;\s])")
_BEGINNINGS = (
    "你好我想问一下",
    "喂你好我要反映一下",
    "我想咨询一下",
    "就是",
    "那个",
    "您好我要投诉",
    "嗯我们这边",
    "",
    "",
    "",
)
_FILLERS = ("那个", "就是说", "然后", "嗯", "这个", "呃", "对吧", "啊")
MISHEARD = 0.12
"""How many characters are replaced in a text that is made noisy."""


class Noise:
    """Makes texts look spoken and misheard; the same seed gives the same texts."""

    def __init__(self, texts: Iterable[str], *, seed: int = 5) -> None:
        """`texts`: where usual characters of every sound are taken from."""
        self._random = random.Random(seed)  # noqa: S311 - no secret
        counts = Counter(
            character for text in texts for character in text if "\u4e00" <= character <= "\u9fff"
        )
        by_sound: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for character, _ in counts.most_common(4000):
            by_sound[sound(character)].append(character)
        self._alike = {
            character: [other for other in others[:12] if other != character]
            for others in by_sound.values()
            for character in others
        }

    def misheard(self, text: str, share: float = MISHEARD) -> str:
        """Return the text with some characters replaced by others of the same sound, and a few lost."""
        pick = self._random
        result = []
        for character in text:
            chance = pick.random()
            others = self._alike.get(character)
            if others and chance < share:
                result.append(pick.choice(others))
            elif chance < 1.0 - share * 0.15:
                result.append(character)
        return "".join(result)

    def spoken(self, title: str, body: str, length: int | None = None) -> str:
        """Return the beginning of a message as somebody would say it."""
        pick = self._random
        rest = body
        for _ in range(3):
            rest = _OPENING.sub("", rest, count=1)
        wanted = length or pick.choice((25, 45, 80, 140))
        said = pick.choice(_BEGINNINGS)
        parts = [part for part in _ENDS.split(rest) if part.strip()]
        start = pick.randrange(max(1, len(parts) // 3)) if len(parts) > 4 and pick.random() < 0.3 else 0
        if title and (len(rest) < 10 or pick.random() < 0.35):
            said += title
        for part in parts[start:]:
            if len(said) >= wanted:
                break
            said += (pick.choice(_FILLERS) if pick.random() < 0.15 else "") + part[: wanted + 10]
        return said


def augmented(
    rows: Sequence[tuple[str, str]], noise: Noise, *, copies: int = 2
) -> tuple[list[str], list[int]]:
    """Return texts to train on, and which row each is of: every message whole, spoken, and misheard."""
    texts: list[str] = []
    owners: list[int] = []
    for number, (title, body) in enumerate(rows):
        texts.append(f"{title}。{body}" if title else body)
        owners.append(number)
        for copy in range(copies):
            said = noise.spoken(title, body)
            texts.append(noise.misheard(said) if copy % 2 else said)
            owners.append(number)
    return texts, owners
