"""Several matters in one call: where a further one begins, and whether it is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from asr.draft_lines import Said

MOST_MATTERS = 3
"""Matters of one call; what is said after the last belongs to it."""
LEAST_CHARACTERS = 8
"""What a further matter needs at least."""
_SURE_WORDS = (
    "事",
    "问题",
    "第二",
    "第三",
    "还想",
    "还要",
    "再反映",
    "再咨询",
    "再投诉",
    "再问",
    "顺便",
    "二是",
    "再说一个",
)
"""Cues that hold one of these say outright that another matter follows."""
_BREAKS = "，。！？；：、,.!?;: "
_LEAD = ("然后", "那", "哦", "啊", "好", "对", "就是", "我", "嗯", "还", "好的", "行")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What was said from one such cue to the next."""

    lines: tuple[Said, ...]
    outright: bool  # the cue says that another matter follows; the first part never


def parts_of(lines: Sequence[Said], further: tuple[str, ...]) -> tuple[Part, ...]:
    """Cut what the citizen said where a further matter may begin; the first part may be empty."""
    found: list[tuple[list[Said], bool]] = [([], False)]
    for said in lines:
        position = 0
        for start, outright in cuts(said.text, further):
            head = said.text[position:start]
            if head.strip(_BREAKS):
                found[-1][0].append(replace(said, text=head))
            found.append(([], outright))
            position = start
        rest = said.text[position:]
        if rest.strip(_BREAKS):
            found[-1][0].append(said if position == 0 else replace(said, text=rest))
    return tuple(Part(lines=tuple(part), outright=outright) for part, outright in found)


@lru_cache(maxsize=8_000)
def cuts(text: str, further: tuple[str, ...]) -> tuple[tuple[int, bool], ...]:
    """Return where in a sentence further matters may begin, and whether that is said outright."""
    found: dict[int, bool] = {}
    for cue in further:
        start = text.find(cue)
        while start >= 0:
            if _opens(text, start):
                outright = any(word in cue for word in _SURE_WORDS)
                found[start] = found.get(start, False) or outright
            start = text.find(cue, start + len(cue))
    ordered: list[tuple[int, bool]] = []
    for start in sorted(found):
        if ordered and start - ordered[-1][0] < LEAST_CHARACTERS:  # 另外还有一个事: one cue in several
            ordered[-1] = (ordered[-1][0], ordered[-1][1] or found[start])
        else:
            ordered.append((start, found[start]))
    return tuple(ordered)


def _opens(text: str, start: int) -> bool:
    """Tell whether a clause begins here, words of hesitation aside."""
    before = text[:start].rstrip()
    for lead in _LEAD:
        if before.endswith(lead) and (len(before) == len(lead) or before[-len(lead) - 1] in _BREAKS):
            return True
    return not before or before[-1] in _BREAKS
