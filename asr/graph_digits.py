"""A small graph that hears nothing but numbers: phone, house and ID numbers are listened to again with it.

It stands inside the composed model's folder, shares all its other parts and is a Vosk model folder itself.
Where every word costs the same, 幺八九 is no longer heard as 要把酒: nothing else can be said.
"""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Mapping
from pathlib import Path

from asr.graph_tools import DIGITS, GraphError, Tools, search_graph

SEAL = ".hotline-digits.sha256"
"""In the folder: the SHA-256 of the grammar it was made of."""

WORDS: Mapping[str, float] = {
    **dict.fromkeys("零一二三四五六七八九幺", 0.07),
    "两": 0.01,
    **dict.fromkeys(("十", "百"), 0.02),
    **dict.fromkeys(("号", "栋", "单元", "室", "楼"), 0.015),
    **dict.fromkeys(("弄", "幢", "座", "层", "巷", "组", "区", "期", "户", "杠", "转"), 0.004),
    **dict.fromkeys(("嗯", "呃", "啊", "是", "的", "然后", "就是", "那个"), 0.002),
}
"""Word -> its share of all words. The last ones catch what people say between two groups of digits."""


def digits_beside(model: Path) -> Path | None:
    """Return the model folder that hears only numbers and belongs to this model, None when it has none."""
    folder = model / DIGITS
    return folder if (folder / "graph" / "HCLG.fst").is_file() else None


def digits_are_whole(model: Path) -> bool:
    """Whether the composed model has its numbers' folder, made of the words listed here."""
    try:
        return (model / DIGITS / SEAL).read_text("ascii") == _mark() and digits_beside(model) is not None
    except (OSError, UnicodeDecodeError):
        return False


def add_digits(model: Path, halves: Path, work: Path, tools: Tools) -> None:
    """Compose the numbers' graph of the model `halves` into the composed model's folder.

    `work` is a place on the same disk where nothing of the same name stands.

    Raises:
        GraphError: a tool failed, or a digit is missing among the model's words.
    """
    numbers = _numbers((model / "graph" / "words.txt").read_text("utf-8"))
    (work / "G.txt").write_text(loop(numbers), encoding="ascii")
    search_graph(halves, work, tools, lambda _step, _share: None)
    new = work / DIGITS
    (new / "graph").mkdir(parents=True)
    (work / "HCLG.fst").rename(new / "graph" / "HCLG.fst")
    for part in sorted(model.iterdir()):
        if part.name not in ("graph", DIGITS) and not part.name.startswith("."):
            (new / part.name).symlink_to(f"../{part.name}")
    for name in ("words.txt", "phones"):
        (new / "graph" / name).symlink_to(f"../../graph/{name}")
    (new / SEAL).write_text(_mark(), encoding="ascii")
    if (model / DIGITS).exists():
        shutil.rmtree(model / DIGITS)
    new.rename(model / DIGITS)


def loop(numbers: Mapping[str, int]) -> str:
    """Return the grammar in OpenFst's text form: these words in any order, each costs what its share says."""
    total = sum(WORDS[word] for word in numbers)
    arcs = [
        f"0 0 {number} {number} {-math.log(WORDS[word] / total):.5f}\n" for word, number in numbers.items()
    ]
    return "".join(arcs) + "0 0\n"


def _numbers(table: str) -> dict[str, int]:
    known = dict(line.rsplit(maxsplit=1) for line in table.splitlines() if len(line.split()) == 2)
    found = {word: int(known[word]) for word in WORDS if word in known}
    if missing := [word for word in "零一二三四五六七八九" if word not in found]:
        raise GraphError(f"the model does not know the word {missing[0]!r}: use a Chinese model")
    return found


def _mark() -> str:
    return hashlib.sha256(repr(sorted(WORDS.items())).encode()).hexdigest()
