"""Composing a model's graph ahead of time: what is refused, and what stands there afterwards.

The tools are stand-ins here that write files of the right size.
"""

from __future__ import annotations

import math
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from asr.graph import compose, composed_beside, is_composed_of
from asr.graph_digits import WORDS, digits_are_whole, digits_beside, loop
from asr.graph_tools import PROGRAMS, GraphError
from asr.model import SMALL_CN, find_model

PLENTY = 8 << 30


@dataclass
class Tools:
    """Programs in a folder of the test's own."""

    folder: Path

    def command(self, program: str) -> list[str]:
        return [str(self.folder / program)]

    def env(self) -> Mapping[str, str]:
        return {"FST_TEST": "1"}

    def make(self, program: str, script: str) -> None:
        path = self.folder / program
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    made = Tools(tmp_path / "bin")
    made.folder.mkdir()
    for program in PROGRAMS:
        made.make(program, "cat >/dev/null; head -c 2000000 /dev/zero")
    (tmp_path / "words.txt").write_text(
        "".join(f"{word} {index}\n" for index, word in enumerate(["<eps>", *WORDS, *map(str, range(500))])),
        "utf-8",
    )
    made.make("fstsymbols", f'case $1 in --save*) cp {tmp_path}/words.txt "${{1#*=}}";; *) echo 0;; esac')
    made.make("fstcompose", 'head -c 10 /dev/zero >"$3"')
    return made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "models" / "small"
    (folder / "am").mkdir(parents=True)
    (folder / "am" / "final.mdl").write_bytes(b"acoustic")
    (folder / "graph" / "phones").mkdir(parents=True)
    (folder / "graph" / "Gr.fst").write_bytes(b"words")
    (folder / "graph" / "HCLr.fst").write_bytes(b"sounds")
    (folder / "graph" / "disambig_tid.int").write_text("7\n8\n")
    return folder


def quiet(_step: str, _share: float | None) -> None:
    return


def made(model: Path, tools: Tools) -> Path:
    return compose(model, tools, quiet, free_memory=lambda: PLENTY)


def test_the_composed_model_stands_beside_the_plain_one_and_shares_its_other_parts(
    model: Path, tools: Tools
) -> None:
    folder = made(model, tools)
    assert folder == composed_beside(model)
    assert (folder / "graph" / "HCLG.fst").stat().st_size == 2_000_000
    assert (folder / "am" / "final.mdl").read_bytes() == b"acoustic"
    assert (folder / "graph" / "phones").is_dir()
    assert is_composed_of(folder, model)


def test_progress_grows_to_the_whole(model: Path, tools: Tools) -> None:
    shares: list[float] = []
    compose(model, tools, lambda _, share: shares.append(share or 0.0), free_memory=lambda: PLENTY)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_what_is_composed_already_is_left_alone(model: Path, tools: Tools) -> None:
    before = (made(model, tools) / "graph" / "HCLG.fst").stat().st_mtime_ns
    assert (made(model, tools) / "graph" / "HCLG.fst").stat().st_mtime_ns == before


def test_another_language_half_makes_the_composed_graph_stale_and_it_is_replaced(
    model: Path, tools: Tools
) -> None:
    folder = made(model, tools)
    (model / "graph" / "Gr.fst").write_bytes(b"other words")
    assert not is_composed_of(folder, model)
    assert is_composed_of(made(model, tools), model)


def test_a_torn_graph_is_not_taken_for_a_whole_one(model: Path, tools: Tools) -> None:
    folder = made(model, tools)
    (folder / "graph" / "HCLG.fst").write_bytes(b"torn")
    assert not is_composed_of(folder, model)


def test_a_model_without_halves_is_refused_by_the_missing_file(tmp_path: Path, tools: Tools) -> None:
    with pytest.raises(GraphError, match=r"Gr\.fst is missing"):
        compose(tmp_path, tools, quiet, free_memory=lambda: PLENTY)


def test_too_little_memory_is_refused_before_any_work(model: Path, tools: Tools) -> None:
    with pytest.raises(GraphError, match="MiB of memory"):
        compose(model, tools, quiet, free_memory=lambda: 1 << 20)
    assert not composed_beside(model).exists()


def test_a_tool_that_fails_is_named_with_its_last_words_and_nothing_is_left_behind(
    model: Path, tools: Tools
) -> None:
    tools.make("fstcompose", "echo FATAL: bad alloc >&2; exit 1")
    with pytest.raises(GraphError, match="fstcompose failed: FATAL: bad alloc"):
        made(model, tools)
    assert [path.name for path in model.parent.iterdir() if not path.name.startswith(".")] == [model.name]
    assert not list(model.parent.glob(".small-composed-*"))


def test_a_tool_that_fails_early_in_a_pipe_is_noticed(model: Path, tools: Tools) -> None:
    tools.make("fstrelabel", "echo ERROR: labels >&2; exit 3")
    with pytest.raises(GraphError, match="ERROR: labels"):
        made(model, tools)


def test_a_result_that_is_next_to_empty_is_refused(model: Path, tools: Tools) -> None:
    tools.make("fstconvert", "cat >/dev/null; echo nothing")
    with pytest.raises(GraphError, match="next to empty"):
        made(model, tools)


def test_the_cache_prefers_the_composed_form_of_its_model(
    model: Path, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "models" / SMALL_CN.name
    model.rename(place)
    monkeypatch.setattr("asr.model._sealed", lambda *_: True)
    assert not find_model(None, tmp_path, fetch=False).composed
    made(place, tools)
    found = find_model(None, tmp_path, fetch=False)
    assert found.composed
    assert found.path == composed_beside(place)


def test_a_composed_model_brings_one_that_hears_only_numbers_and_shares_its_other_parts(
    model: Path, tools: Tools
) -> None:
    assert digits_beside(model) is None
    folder = digits_beside(made(model, tools))
    assert folder is not None
    assert (folder / "am" / "final.mdl").read_bytes() == b"acoustic"
    assert "幺" in (folder / "graph" / "words.txt").read_text("utf-8")


def test_a_composed_model_from_before_there_were_numbers_gets_them_without_composing_again(
    model: Path, tools: Tools
) -> None:
    folder = made(model, tools)
    before = (folder / "graph" / "HCLG.fst").stat().st_mtime_ns
    shutil.rmtree(folder / "digits")
    assert not digits_are_whole(folder)
    assert digits_are_whole(made(model, tools))
    assert (folder / "graph" / "HCLG.fst").stat().st_mtime_ns == before


def test_a_model_that_knows_no_digits_is_refused_by_the_missing_one(
    model: Path, tools: Tools, tmp_path: Path
) -> None:
    (tmp_path / "words.txt").write_text("hello 1\n" * 500)
    with pytest.raises(GraphError, match="does not know the word '零'"):
        made(model, tools)


def test_the_shares_of_the_words_that_a_number_may_be_made_of_sum_to_one() -> None:
    *arcs, final = loop({word: index for index, word in enumerate(WORDS, 1)}).splitlines()
    assert final == "0 0"
    assert sum(math.exp(-float(arc.split()[4])) for arc in arcs) == pytest.approx(1.0, abs=1e-3)
