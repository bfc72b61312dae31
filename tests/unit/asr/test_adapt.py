"""Adapting a model: what is learnt replaces what is in use only when it is better and hears.

The tools are stand-ins: the language half that they print is a toy, the graph that they compose is empty.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

from asr.adapt import adapt
from asr.adapt_learn import Learnt, Material, refusal
from asr.adapt_sentences import FILES, Words
from asr.adapt_store import WORDS as WORDS_FILE
from asr.adapt_store import (
    Adapted,
    AdaptError,
    Scores,
    active,
    adapted_beside,
    back,
    read_words,
    versions,
)
from asr.gazetteer_file import Entry, Kind
from asr.graph_digits import WORDS, digits_beside
from asr.graph_tools import PROGRAMS, GraphError
from asr.lm_fst import write
from asr.lm_ngram import count
from asr.model import SMALL_CN, find_model

_DOMAIN = files("asr") / "data" / "domain"
ALPHABET = sorted(set("".join((_DOMAIN / name).read_text("utf-8") for name in FILES)) - set("\n {}()|#@"))
NUMBERS = {word: index for index, word in enumerate(dict.fromkeys([*WORDS, *ALPHABET]), 1)}
CITY = (
    Entry(name="城东区", kind=Kind.DISTRICT),
    Entry(name="新华街道", kind=Kind.STREET, parents=("城东区",)),
    Entry(name="枫林苑", kind=Kind.ESTATE, parents=("新华街道",)),
)
MATERIAL = Material(drawn=200, entries=CITY, texts=("城东区新华街道枫林苑停水了", "我在枫林苑"))


@dataclass
class Tools:
    """Programs in a folder of the test's own."""

    folder: Path

    def command(self, program: str) -> list[str]:
        return [str(self.folder / program)]

    def env(self) -> Mapping[str, str]:
        return {}

    def make(self, program: str, script: str) -> None:
        path = self.folder / program
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    made = Tools(tmp_path / "bin")
    made.folder.mkdir()
    for program in PROGRAMS:
        made.make(program, "cat >/dev/null; head -c 2000 /dev/zero")
    table = tmp_path / "words.txt"
    table.write_text("".join(f"{word} {number}\n" for word, number in NUMBERS.items()), "utf-8")
    half = io.StringIO()
    write(count([[number, 1 + number % 7] for number in NUMBERS.values()]), half)
    (tmp_path / "G.txt").write_text(half.getvalue())
    made.make("fstsymbols", f'case $1 in --save*) cp {table} "${{1#*=}}";; *) echo 0;; esac')
    made.make("fstprint", f"cat >/dev/null; cat {tmp_path}/G.txt")
    made.make("fstcompose", 'echo composed >"$3"')
    return made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "models" / SMALL_CN.name
    (folder / "am").mkdir(parents=True)
    (folder / "am" / "final.mdl").write_bytes(b"acoustic")
    (folder / "graph" / "phones").mkdir(parents=True)
    for name, content in (("Gr.fst", b"words"), ("HCLr.fst", b"sounds"), ("disambig_tid.int", b"7\n")):
        (folder / "graph" / name).write_bytes(content)
    return folder


def run(
    model: Path,
    tools: Tools,
    *,
    material: Material = MATERIAL,
    out: Path | None = None,
    heard: str = "你好",
    force: bool = False,
    memory: int = 8 << 30,
    shares: list[float] | None = None,
) -> tuple[Path, Adapted]:
    progress: Callable[[str, float | None], None] = lambda _, share: (  # noqa: E731
        shares.append(share or 0.0) if shares is not None else None
    )
    return adapt(
        model, tools, material, progress, now=1000.0, out=out, force=force, hear=lambda _: heard,
        free_memory=lambda: memory,
    )  # fmt: skip


def test_the_adapted_model_is_used_from_then_on_and_shares_the_plain_ones_other_parts(
    model: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, made = run(model, tools)
    assert active(model) == folder
    assert (folder / "am" / "final.mdl").read_bytes() == b"acoustic"
    assert digits_beside(folder) is not None
    assert made.names == 3
    assert made.texts == 2
    assert made.after.city < made.before.city
    monkeypatch.setattr("asr.model._sealed", lambda *_: True)
    assert find_model(None, model.parent.parent, fetch=False).path == folder


def test_sentences_with_characters_that_the_model_does_not_know_are_counted_and_left_out(
    model: Path, tools: Tools
) -> None:
    strange = (*CITY, Entry(name="枫林苑K区", kind=Kind.ESTATE), Entry(name="☃", kind=Kind.ROAD))
    _, made = run(model, tools, material=Material(drawn=200, entries=strange))
    assert made.skipped > 0
    assert made.sentences > 0


def test_progress_grows_to_the_whole(model: Path, tools: Tools) -> None:
    shares: list[float] = []
    run(model, tools, shares=shares)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_model_that_hears_nothing_is_not_used(model: Path, tools: Tools) -> None:
    first, _ = run(model, tools)
    with pytest.raises(AdaptError, match="understands nothing"):
        run(model, tools, heard=" ")
    assert active(model) == first
    assert list(versions(model).values()) == [first]


def test_it_is_listened_to_with_all_its_parts_in_place(model: Path, tools: Tools) -> None:
    def hear(folder: Path) -> str:
        return (folder / "am" / "final.mdl").read_text() + (
            folder / "digits" / "am" / "final.mdl"
        ).read_text()

    _, made = adapt(
        model, tools, MATERIAL, lambda *_: None, now=1000.0, hear=hear, free_memory=lambda: None
    )  # fmt: skip
    assert made.heard == "acousticacoustic"


def test_nothing_is_left_of_a_model_that_is_not_used(model: Path, tools: Tools) -> None:
    with pytest.raises(AdaptError, match="understands nothing"):
        run(model, tools, heard=" ")
    assert list(adapted_beside(model).iterdir()) == []


def test_the_one_before_is_kept_and_older_ones_go(model: Path, tools: Tools) -> None:
    folders = [run(model, tools)[0] for _ in range(3)]
    assert list(versions(model).values()) == folders[1:]
    assert back(model) == folders[1]
    assert active(model) == folders[1]


def test_going_back_from_the_first_one_ends_at_the_model_itself(model: Path, tools: Tools) -> None:
    run(model, tools)
    assert back(model) is None
    assert active(model) is None
    with pytest.raises(AdaptError, match="nothing to go back from"):
        back(model)


def test_a_run_that_was_killed_leaves_what_is_in_use_and_its_remains_are_swept_away(
    model: Path, tools: Tools
) -> None:
    folder, _ = run(model, tools)
    remains = adapted_beside(model) / f".{adapted_beside(model).name}-work-killed"
    (remains / "new" / "graph").mkdir(parents=True)
    assert active(model) == folder
    run(model, tools)
    assert not remains.exists()


def test_another_language_half_in_the_model_makes_adapted_ones_stale(model: Path, tools: Tools) -> None:
    run(model, tools)
    (model / "graph" / "Gr.fst").write_bytes(b"other words")
    assert active(model) is None


def test_a_torn_graph_is_not_used(model: Path, tools: Tools) -> None:
    folder, _ = run(model, tools)
    (folder / "graph" / "HCLG.fst").write_bytes(b"")
    assert active(model) is None


def test_a_folder_of_ones_own_is_complete_in_itself_and_nothing_else_changes(
    model: Path, tools: Tools, tmp_path: Path
) -> None:
    out, _ = run(model, tools, out=tmp_path / "mine")
    assert active(model) is None
    moved = out.rename(tmp_path / "moved")
    model.rename(tmp_path / "gone")
    for part in ("am/final.mdl", "graph/HCLG.fst", "graph/words.txt", "graph/phones", "digits/am/final.mdl"):
        assert (moved / part).exists()


def test_a_folder_with_something_else_in_it_is_not_written_over(
    model: Path, tools: Tools, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(AdaptError, match="no adapted model"):
        run(model, tools, out=tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_too_little_memory_and_failing_tools_leave_what_is_in_use(model: Path, tools: Tools) -> None:
    folder, _ = run(model, tools)
    with pytest.raises(GraphError, match="MiB of memory"):
        run(model, tools, memory=1 << 20)
    tools.make("fstcompose", "echo FATAL: bad alloc >&2; exit 1")
    with pytest.raises(GraphError, match="bad alloc"):
        run(model, tools)
    assert active(model) == folder


def test_a_model_without_halves_is_refused_by_the_missing_file(tmp_path: Path, tools: Tools) -> None:
    with pytest.raises(AdaptError, match=r"Gr\.fst is missing"):
        run(tmp_path / "nothing", tools)


def learnt(city: float, general: float, used: Scores | None = None) -> Learnt:
    model = count([[1]])
    scores = Scores(city=7.0, general=5.0), Scores(city=city, general=general)
    return Learnt(model, model, 1, 0, 0, *scores, used)


def test_a_better_one_may_replace_what_is_in_use() -> None:
    assert refusal(learnt(4.0, 5.1)) is None
    assert refusal(learnt(4.0, 5.1, Scores(city=4.1, general=5.0)), names=60, names_before=100) is None


def test_one_that_knows_the_city_or_other_speech_worse_may_not() -> None:
    assert "7.10 bits" in (refusal(learnt(7.1, 5.0)) or "")
    assert "general sentences" in (refusal(learnt(4.0, 6.0)) or "")
    assert "texts left out" in (refusal(learnt(5.0, 5.0, Scores(city=4.0, general=5.0))) or "")


def test_one_that_lost_most_names_may_not_replace_what_is_in_use_unless_forced(
    model: Path, tools: Tools
) -> None:
    folder, _ = run(model, tools)
    with pytest.raises(AdaptError, match="it has 0 names, the model in use 3"):
        run(model, tools, material=Material(drawn=200))
    assert active(model) == folder
    assert run(model, tools, material=Material(drawn=200), force=True)[1].names == 0


def test_both_are_judged_by_the_same_new_sentences_so_a_city_with_more_names_may_replace_a_small_one(
    model: Path, tools: Tools
) -> None:
    run(model, tools, material=Material(drawn=2000, entries=CITY[:1]))
    used = read_words(active(model) or model)
    assert used is not None
    more = tuple(
        Entry(name=f"{first}{second}苑", kind=Kind.ESTATE)
        for first in ALPHABET[:10] for second in ALPHABET[40:46]
    )  # fmt: skip
    assert run(model, tools, material=Material(drawn=2000, entries=(*CITY, *more)))[1].names == 63


def test_a_torn_file_of_words_costs_only_the_comparison(model: Path, tools: Tools) -> None:
    folder, _ = run(model, tools)
    (folder / WORDS_FILE).write_bytes(b"torn")
    assert read_words(folder) is None
    assert run(model, tools)[0] != folder


def test_a_city_without_anything_is_adapted_to_how_people_talk(model: Path, tools: Tools) -> None:
    _, made = run(model, tools, material=Material(drawn=200, words=Words()))
    assert made.names == 0
    assert made.after.city < made.before.city
