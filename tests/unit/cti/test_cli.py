"""The command line as other programs and operators write it."""

from __future__ import annotations

import os

import pytest

from cti import cli


def test_hotline_asr_without_an_action_runs_the_workers() -> None:
    options = cli._parser().parse_args(["asr", "--instance", "main"])  # as `hotline up` starts it
    assert options.action == "run"


@pytest.mark.parametrize("words", [["--instance", "a", "models"], ["models", "--instance", "a"]])
def test_an_action_of_asr_may_stand_before_or_after_its_options(words: list[str]) -> None:
    options = cli._parser().parse_args(["asr", *words])
    assert (options.action, options.instance) == ("models", "a")


def test_an_option_of_adapt_is_refused_beside_another_action(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["asr", "run", "--back"]) != 0
    assert "--back" in capsys.readouterr().err


def test_only_the_command_itself_writes_for_its_owner_alone(capsys: pytest.CaptureFixture[str]) -> None:
    before = os.umask(0o022)
    try:
        cli.main(["asr", "run", "--back"])
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
