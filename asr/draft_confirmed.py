"""Where the agent said the place and the citizen only said yes: 是松岭区的岭秀山庄吗？——是的. Pure.

Recognition hears agents better (a headset, no street), and they repeat names to be sure of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from asr.draft_lines import Said

_YES = re.compile(r"^[嗯啊哎]*[，, ]?(?:是的|对(?![面着门过岸于])|没错|就是|是[啊呀]|是[，。,]|是$)")
_NO = re.compile(r"不是|不对|不在|错了|说错")
_ASKED = re.compile(
    r"(?:您|你)?(?:说的|反映的|住的|那边|这边|地址|位置)*(?:是不是|就是|是在|是|就在|在)"
    r"(?P<place>[^，。？?！；]{2,30}?(?:[区县镇乡村路街巷]|街道|小区|[苑园府城庄湾里居寓厦]|公园|广场|学校|医院)[^，。？?！；]{0,12}?)"
    r"(?:这边|那边|这里|那里|这个)?[，,]?(?:对不对|是不是|对吗|是吗|对吧|是吧|吗|吧)[？?。]?$"
)
_OR = re.compile("还是")
_SURE = 0.9
"""Of the citizen's own confidence: the words were another's."""


def with_confirmed(said: Sequence[Said]) -> list[Said]:
    """Return the sentences, each yes to a place that the agent named after a sentence with that place."""
    found: list[Said] = []
    for sentence in said:
        asked = _ASKED.search(sentence.question)
        first = not found or found[-1].question != sentence.question
        yes = _YES.match(sentence.text) and not _NO.search(sentence.text)
        if first and asked and yes and not _OR.search(asked["place"]):
            confirmed = replace(
                sentence, text=asked["place"], confidence=_SURE * sentence.confidence, question=""
            )
            found.append(confirmed)
        found.append(sentence)
    return found
