"""A build renders what changed, and nothing that a person recorded is ever lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from ivr_flows.audio import AudioError, Samples, encode_wav
from ivr_flows.kokoro import Kokoro, Spoken, SynthesisError
from ivr_flows.speech import AUDIO, MANIFEST, PromptError
from ivr_flows.synthesis import LOCK, accept, build, check, read_lock

TEXTS = {"hello": "您好。", "bye": "再见。"}


class Voice:
    """Reads everything as a tone and remembers what it was given."""

    rate = 24_000

    def __init__(self, *, hertz: float = 440, fail_at: str = "") -> None:
        self.read: list[str] = []
        self._hertz = hertz
        self._fail_at = fail_at

    def speak(self, sentences: Sequence[Spoken]) -> Iterator[tuple[Spoken, Samples]]:
        for sentence in sentences:
            if sentence.key == self._fail_at:
                raise SynthesisError("out of breath")
            self.read.append(sentence.spelling)
            yield sentence, tone(self.rate, self._hertz)


def tone(rate: int, hertz: float) -> Samples:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)).astype(np.float32)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "audio"


def manifest(tmp_path: Path, voice: str = "zf_xiaoyi", **texts: str) -> Path:
    rows = "".join(f"  {key}: {{text: {text}}}\n" for key, text in texts.items())
    path = tmp_path / "manifest.yaml"
    path.write_text(f"voice: {voice}\nprompts:\n{rows}", encoding="utf-8")
    return path


def recording(tmp_path: Path) -> Path:
    path = tmp_path / "person.wav"
    path.write_bytes(encode_wav(tone(8000, 300)))
    return path


def kinds(manifest: Path, out: Path) -> dict[str, str]:
    return {problem.key: problem.kind for problem in check(manifest, out)}


def test_every_prompt_of_this_repository_has_audio_that_says_its_text() -> None:
    assert check(MANIFEST, AUDIO) == ()


def test_the_first_build_renders_everything_and_leaves_nothing_to_complain_of(
    tmp_path: Path, out: Path
) -> None:
    path = manifest(tmp_path, **TEXTS)
    assert kinds(path, out) == {"hello": "missing", "bye": "missing"}
    assert build(path, out, synthesiser=Voice()).built == ("hello", "bye")
    assert check(path, out) == ()


def test_the_second_build_renders_nothing(tmp_path: Path, out: Path) -> None:
    path = manifest(tmp_path, **TEXTS)
    build(path, out, synthesiser=Voice())
    voice = Voice()
    report = build(path, out, synthesiser=voice)
    assert (report.built, report.fresh, voice.read) == ((), ("hello", "bye"), [])


def test_only_a_changed_text_is_rendered_again(tmp_path: Path, out: Path) -> None:
    build(manifest(tmp_path, **TEXTS), out, synthesiser=Voice())
    path = manifest(tmp_path, hello="您好，请讲。", bye=TEXTS["bye"])
    assert kinds(path, out) == {"hello": "outdated"}
    voice = Voice()
    build(path, out, synthesiser=voice)
    assert voice.read == ["您好，请讲。"]
    assert check(path, out) == ()


def test_another_voice_renders_all_again(tmp_path: Path, out: Path) -> None:
    build(manifest(tmp_path, **TEXTS), out, synthesiser=Voice())
    report = build(manifest(tmp_path, voice="zm_yunxi", **TEXTS), out, synthesiser=Voice())
    assert report.built == ("hello", "bye")


def test_only_the_named_prompts_are_rendered(tmp_path: Path, out: Path) -> None:
    path = manifest(tmp_path, **TEXTS)
    assert build(path, out, only={"bye"}, synthesiser=Voice()).built == ("bye",)
    assert kinds(path, out) == {"hello": "missing"}


def test_an_unknown_key_is_refused_by_name(tmp_path: Path, out: Path) -> None:
    with pytest.raises(PromptError, match="'good_bye' is not a prompt"):
        build(manifest(tmp_path, **TEXTS), out, only={"good_bye"}, synthesiser=Voice())


def test_a_persons_recording_survives_a_build_and_a_change_of_voice(tmp_path: Path, out: Path) -> None:
    accept(manifest(tmp_path, **TEXTS), out, "hello", recording(tmp_path))
    recorded = (out / "hello.wav").read_bytes()
    path = manifest(tmp_path, voice="zm_yunxi", **TEXTS)
    assert build(path, out, synthesiser=Voice()).fresh == ("hello",)
    assert (out / "hello.wav").read_bytes() == recorded
    assert check(path, out) == ()


def test_a_persons_recording_of_an_old_text_is_kept_and_reported(tmp_path: Path, out: Path) -> None:
    accept(manifest(tmp_path, **TEXTS), out, "hello", recording(tmp_path))
    recorded = (out / "hello.wav").read_bytes()
    path = manifest(tmp_path, hello="喂，您好。", bye=TEXTS["bye"])
    assert build(path, out, synthesiser=Voice()).kept == ("hello",)
    assert (out / "hello.wav").read_bytes() == recorded
    assert kinds(path, out) == {"hello": "outdated"}


def test_force_replaces_a_persons_recording(tmp_path: Path, out: Path) -> None:
    path = manifest(tmp_path, **TEXTS)
    accept(path, out, "hello", recording(tmp_path))
    build(path, out, only={"hello"}, force=True, synthesiser=Voice())
    assert read_lock(out)["hello"].recorded_by == "kokoro"


def test_a_file_dropped_in_without_accepting_is_kept_and_reported(tmp_path: Path, out: Path) -> None:
    path = manifest(tmp_path, **TEXTS)
    build(path, out, synthesiser=Voice())
    dropped = recording(tmp_path).read_bytes()
    (out / "hello.wav").write_bytes(dropped)
    assert build(path, out, synthesiser=Voice()).kept == ("hello",)
    assert (out / "hello.wav").read_bytes() == dropped
    assert kinds(path, out) == {"hello": "changed"}


def test_a_dropped_file_can_be_accepted_where_it_lies(tmp_path: Path, out: Path) -> None:
    path = manifest(tmp_path, **TEXTS)
    build(path, out, synthesiser=Voice())
    (out / "hello.wav").write_bytes(recording(tmp_path).read_bytes())
    assert accept(path, out, "hello", out / "hello.wav") == pytest.approx(1.28, abs=0.03)
    assert check(path, out) == ()


def test_a_recording_for_no_prompt_and_a_silent_one_are_refused(tmp_path: Path, out: Path) -> None:
    path = manifest(tmp_path, **TEXTS)
    with pytest.raises(PromptError, match="'hullo' is not a prompt"):
        accept(path, out, "hullo", recording(tmp_path))
    silent = tmp_path / "silent.wav"
    silent.write_bytes(encode_wav(np.zeros(8000, np.float32)))
    with pytest.raises(AudioError, match=r"silent\.wav: there is no speech"):
        accept(path, out, "hello", silent)


def test_audio_of_a_withdrawn_prompt_goes_with_it(tmp_path: Path, out: Path) -> None:
    build(manifest(tmp_path, **TEXTS), out, synthesiser=Voice())
    path = manifest(tmp_path, hello=TEXTS["hello"])
    assert kinds(path, out) == {"bye": "unused"}
    assert build(path, out, synthesiser=Voice()).removed == ("bye",)
    assert not (out / "bye.wav").exists()
    assert check(path, out) == ()


def test_a_persons_recording_of_a_withdrawn_prompt_stays_until_a_person_deletes_it(
    tmp_path: Path, out: Path
) -> None:
    accept(manifest(tmp_path, **TEXTS), out, "bye", recording(tmp_path))
    path = manifest(tmp_path, hello=TEXTS["hello"])
    assert build(path, out, synthesiser=Voice()).removed == ()
    assert kinds(path, out) == {"bye": "unused"}


def test_a_build_that_breaks_off_keeps_what_it_has(tmp_path: Path, out: Path) -> None:
    path = manifest(tmp_path, **TEXTS)
    with pytest.raises(SynthesisError, match="out of breath"):
        build(path, out, synthesiser=Voice(fail_at="bye"))
    assert kinds(path, out) == {"bye": "missing"}


def test_two_builds_at_once_do_not_lose_what_the_other_rendered(tmp_path: Path, out: Path) -> None:
    path = manifest(tmp_path, **TEXTS)
    refused: list[str] = []

    def second_build(_done: int, _total: int, _key: str) -> None:
        with pytest.raises(SynthesisError, match="another build or accept is at work"):
            accept(path, out, "bye", recording(tmp_path))
        refused.append("accept")

    build(path, out, only={"hello"}, progress=second_build, synthesiser=Voice())
    assert refused == ["accept"]
    accept(path, out, "bye", recording(tmp_path))
    assert check(path, out) == ()


def test_a_pace_or_style_chosen_by_ear_renders_again(tmp_path: Path, out: Path) -> None:
    path = manifest(tmp_path, **TEXTS)
    build(path, out, synthesiser=Voice())
    path.write_text(
        path.read_text(encoding="utf-8").replace("您好。", "您好。, speed: 0.9"), encoding="utf-8"
    )
    assert build(path, out, synthesiser=Voice()).built == ("hello",)
    path.write_text(path.read_text(encoding="utf-8").replace("再见。", "再见。, style: 30"), encoding="utf-8")
    assert build(path, out, synthesiser=Voice()).built == ("bye",)


def test_progress_is_told_after_each_sentence(tmp_path: Path, out: Path) -> None:
    told: list[tuple[int, int, str]] = []
    build(
        manifest(tmp_path, **TEXTS),
        out,
        progress=lambda done, total, key: told.append((done, total, key)),
        synthesiser=Voice(),
    )
    assert told == [(1, 2, "hello"), (2, 2, "bye")]


def test_digits_reach_the_voice_as_words(tmp_path: Path, out: Path) -> None:
    voice = Voice()
    build(manifest(tmp_path, hello="欢迎致电12345。"), out, synthesiser=voice)
    assert voice.read == ["欢迎致电幺二三四五。"]


def test_audio_of_another_format_is_reported(tmp_path: Path, out: Path) -> None:
    path = manifest(tmp_path, hello=TEXTS["hello"])
    build(path, out, synthesiser=Voice())
    (out / "hello.wav").write_bytes(b"not audio at all")
    assert kinds(path, out) == {"hello": "format"}


def test_a_lock_that_was_edited_into_nonsense_is_refused(tmp_path: Path, out: Path) -> None:
    path = manifest(tmp_path, **TEXTS)
    build(path, out, synthesiser=Voice())
    (out / LOCK).write_text("hello: {recorded_by: parrot}", encoding="utf-8")
    with pytest.raises(PromptError, match=r"audio\.lock\.yaml"):
        check(path, out)


def test_an_unknown_voice_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    sentence = Spoken(key="hi", text="好", spelling="好", voice="alexa", fragment=False)
    with pytest.raises(SynthesisError, match="hi: voice 'alexa' is not known"):
        list(Kokoro(cache).speak([sentence]))
    assert not cache.exists()
