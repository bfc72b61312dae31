"""A written or transcribed text cut into sentences, as the draft reads a call."""

from __future__ import annotations

import re

MAX_TEXT = 100_000
"""Characters of one text that are read; the sentences bound themselves, see `asr.draft_lines`."""
LONG = 80
"""Characters after which a sentence is cut at a comma: recognition writes no full stops."""

_SENTENCE = re.compile(r"[^。！？!?；;\n\r]+[。！？!?；;]*")
_CLAUSE = re.compile("[^，,]+[，,]*")
_SPACES = re.compile(r"[ \t\u3000\xa0]+")
_TAG = re.compile(r"<[^<>]{0,200}>|_x000D_|&nbsp;")


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, none empty; long ones without a full stop are cut at commas."""
    found: list[str] = []
    for match in _SENTENCE.finditer(_TAG.sub(" ", text[:MAX_TEXT])):
        sentence = _SPACES.sub(" ", match.group()).strip()
        if not sentence or not any(character.isalnum() for character in sentence):
            continue
        found += [sentence] if len(sentence) <= LONG else _shorter(sentence)
    return found


def _shorter(sentence: str) -> list[str]:
    """Cut a long sentence at commas into pieces that are not longer, or where it must."""
    pieces: list[str] = []
    piece = ""
    for match in _CLAUSE.finditer(sentence):
        if piece and len(piece) + len(match.group()) > LONG:
            pieces.append(piece)
            piece = ""
        piece += match.group()
        while len(piece) > 3 * LONG:
            pieces.append(piece[: 3 * LONG])
            piece = piece[3 * LONG :]
    return [*pieces, piece] if piece else pieces
