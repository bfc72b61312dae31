"""Counting wrong characters: which calls are heard, and what counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti.bench import asr_errors
from cti.bench.asr_errors import Errors, Said, hotline_calls, plain_errors

CALLS = """\
calls:
- id: one
  lines: [{citizen: 停水了。}, {agent: 哪里？}, {citizen: 幺三八}]
- id: without_audio
  lines: [{citizen: 停电了}]
"""


def test_only_the_citizens_words_of_calls_with_audio_count(tmp_path: Path) -> None:
    (tmp_path / "calls.yaml").write_text(CALLS, "utf-8")
    (tmp_path / "one.wav").write_bytes(b"")
    assert hotline_calls(tmp_path) == (Said(audio=tmp_path / "one.wav", text="停水了。幺三八"),)


def test_signs_and_the_two_ways_to_say_one_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = {"a.wav": "停谁了一三八", "b.wav": ""}

    class Now:
        def __init__(self, *_: object, **__: object) -> None: ...

        def __enter__(self) -> Now:
            return self

        def __exit__(self, *_: object) -> None: ...

        def submit(self, _work: object, _found: object, said: tuple[Said, ...]) -> Now:
            self.said = said
            return self

        def result(self) -> list[str]:
            return [heard[each.audio.name] for each in self.said]

    monkeypatch.setattr(asr_errors, "ProcessPoolExecutor", Now)
    said = [Said(audio=Path("a.wav"), text="停水了。幺三八"), Said(audio=Path("b.wav"), text="喂")]
    errors = plain_errors(Path("model"), said)
    assert (errors.characters, errors.wrong) == (7, 2)
    assert errors.rate == pytest.approx(2 / 7)
    assert Errors(characters=0, wrong=0).rate == 0
