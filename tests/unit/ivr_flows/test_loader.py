"""A flow or a number table is taken whole or refused with file, line, key, value and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr_flows.errors import FlowFileError
from ivr_flows.loader import SHIPPED_FLOWS, load_flow, load_flows, parse_flow

TEXT = (SHIPPED_FLOWS / "citizen_line.yaml").read_text(encoding="utf-8")
ALONE = """
flow: citizen_line
title: 市民来电
start: person
resume: person
after_talk: bye
steps:
  person: {kind: route, queue: general, needs: {general: 1}, next: bye, error: give_up}
  bye: {kind: announce, prompts: [goodbye], next: hang_up, error: hang_up}
"""


def refused(old: str, new: str) -> FlowFileError:
    assert old in TEXT
    with pytest.raises(FlowFileError) as caught:
        parse_flow(TEXT.replace(old, new, 1).encode(), name="flow.yaml")
    return caught.value


def line_of(words: str) -> int:
    return TEXT[: TEXT.index(words)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "near", "key", "value", "remedy"),
    [
        ("no_key: general", "no_key: nowhere", "no_key", "steps.welcome.no_key", "nowhere", "name a step"),
        ("    no_key: general\n", "", "  welcome:", "steps.welcome", "dict", "add the key `no_key`"),
        (
            '"1": enterprise',
            '"1": firms',
            '"1": enterprise',
            "steps.welcome.keys.1",
            "firms",
            "name a step of this flow, hang_up or give_up",
        ),
        ('"1": enterprise', "1: enterprise", "    keys:\n", "steps.welcome.keys", "dict", "in quotes"),
        ('"1": enterprise', '"12": enterprise', "    keys:\n", "steps.welcome.keys", "dict", "in quotes"),
        ("wait_s: 1.0", "wait_s: 600", "wait_s: 1.0", "steps.welcome.wait_s", 600, "<= 30"),
        ("wait_s: 1.0", "wait: 1", "wait_s: 1.0", "steps.welcome.wait", 1, "no such key"),
        (
            "kind: menu",
            "kind: many",
            "kind: menu",
            "steps.welcome.kind",
            "many",
            "announce, branch, callback, collect",
        ),
        ("[greeting, keys]", "[]", "prompts: [g", "steps.welcome.prompts", "list", "length >= 1"),
        ("[greeting, keys]", "[a, ../b]", "prompts: [g", "steps.welcome.prompts[1]", "../b", "matching"),
        ("resume: general", "resume: thanks", "resume:", "resume", "thanks", "whose kind is route"),
        ("start: who", "start: hang_up", "start:", "start", "hang_up", "name a step of this flow"),
        ("  thanks:", "  hang_up:", "  thanks:", "steps.hang_up", "hang_up", "something else"),
        ("  thanks:", "  Thanks:", "  thanks:", "steps.Thanks", "Thanks", "something else"),
        ("tries: 2", "tries: 0", "tries: 2", "steps.survey.tries", 0, ">= 1"),
        ('{"5": 5', '{"5": 9', "scores:", "steps.survey.scores.5", 9, "<= 5"),
    ],
)
def test_an_error_names_line_key_value_and_remedy(
    old: str, new: str, near: str, key: str, value: object, remedy: str
) -> None:
    error = refused(old, new)
    assert (error.file, error.line) == ("flow.yaml", line_of(near))
    assert (error.key, error.value) == (key, value)
    assert remedy in error.remedy


def test_a_key_said_twice_is_refused() -> None:
    error = refused("    tries: 2", "    tries: 2\n    tries: 3")
    assert (error.key, error.remedy) == ("steps.survey.tries", "say each key once")


def test_a_file_that_is_no_yaml_is_refused_with_its_line() -> None:
    error = refused("start: who", "start: [who")
    assert (error.remedy, error.key) == ("correct the YAML", "file")
    assert error.line >= line_of("start: who")


@pytest.mark.parametrize(
    ("raw", "remedy"),
    [
        (b"", "Expected `object`, got `null`"),
        (b"- 1", "Expected `object`, got `array`"),
        (TEXT.encode("gbk"), "save it as UTF-8"),
        (b"x" * 1_000_001, "keep it under 1000000 bytes"),
        (b"[" * 5_000, "correct the YAML"),
        (b"&a [*a]", "correct the YAML"),
        (b"when: 2026-99-99", "correct the YAML"),
    ],
)
def test_a_file_that_is_no_flow_at_all_is_refused(raw: bytes, remedy: str) -> None:
    with pytest.raises(FlowFileError) as caught:
        parse_flow(raw)
    assert remedy in caught.value.remedy


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FlowFileError, match=r"absent\.yaml.*make it readable"):
        load_flow(tmp_path / "absent.yaml")


def test_the_version_changes_with_what_the_flow_does_and_not_with_its_comments() -> None:
    version = parse_flow(TEXT.encode()).version
    assert parse_flow(("# a note\n" + TEXT).encode()).version == version
    assert parse_flow(TEXT.replace("wait_s: 1.0", "wait_s: 2.0").encode()).version != version


# ---------------------------------------------------------------- called numbers


def numbers(folder: Path, text: str) -> Path:
    path = folder / "numbers.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_hotline_s_own_number_and_every_unknown_one_lead_to_the_citizens_flow() -> None:
    flows = load_flows()
    assert flows.for_number("12345").name == "citizen_line"
    assert flows.for_number("12333").name == "citizen_line"
    assert flows.named("citizen_line") is flows.for_number("12345")
    assert flows.named("abolished") is None


def test_a_number_may_have_a_flow_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "one.yaml").write_text(ALONE, encoding="utf-8")
    other = ALONE.replace("flow: citizen_line", "flow: labour")
    (tmp_path / "flows" / "two.yaml").write_text(other, encoding="utf-8")
    table = numbers(tmp_path, 'default: citizen_line\nnumbers: {"12333": labour}\n')
    flows = load_flows(tmp_path / "flows", table)
    assert flows.for_number("12333").name == "labour"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("default: nowhere\nnumbers: {}\n", "default"),
        ('default: citizen_line\nnumbers: {"12345": nowhere}\n', r"numbers\.12345"),
        ('default: citizen_line\nnumbers: {"1234x": citizen_line}\n', r"numbers\.1234x"),
        ("default: citizen_line\nnumbers: {12345: citizen_line}\n", "numbers"),
        ("default: citizen_line\n", "file"),
    ],
)
def test_a_wrong_number_table_is_refused_with_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(FlowFileError, match=rf"numbers\.yaml:\d: {key} = "):
        load_flows(SHIPPED_FLOWS, numbers(tmp_path, text))


def test_two_flows_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(TEXT, encoding="utf-8")
    with pytest.raises(FlowFileError, match="give each flow its own name"):
        load_flows(tmp_path, numbers(tmp_path, "default: citizen_line\nnumbers: {}\n"))
