"""The frame of `hotline bench`: names, options, and how a result is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cti.bench import KNOWN, BenchError, Result, run
from cti.bench.host import machine, used, used_by
from cti.bench.result import as_json, as_text
from cti.cli import main


def a_result(*, aim_met: bool = True) -> Result:
    """Some result."""
    return Result(
        name="calls",
        value=49.5,
        unit="completed calls/s",
        aim="ratio >= 0.8",
        aim_met=aim_met,
        peer=50.0,
        ratio=0.99,
        machine=machine(),
        details={"failed": 0},
        lines=("first line", "second line"),
    )


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(BenchError) as told:
        run("nothing", {}, as_object=True, say=print)
    assert all(name in str(told.value) for name in KNOWN)


def test_the_command_says_what_is_wrong_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "nothing"]) == 1
    captured = capsys.readouterr()
    assert "there is no benchmark 'nothing'" in captured.err
    assert captured.out == ""


def test_a_database_that_is_killed_beside_is_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "orders-kill", "--database", "postgresql://city/orders"]) == 1
    told = capsys.readouterr().err
    assert "--database" in told and "postgresql or sqlite" in told
    assert "city" not in told  # a URL may hold a password


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"rate": 0.1}, "--rate"),
        ({"rate": float("nan")}, "--rate"),
        ({"seconds": 0}, "--seconds"),
        ({"rounds": 0}, "--rounds"),
        ({"rate": 0.5, "seconds": 1}, "--rate times --seconds"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(options: dict[str, float], named: str) -> None:
    with pytest.raises(BenchError, match=named):
        run("calls", options, as_object=True, say=print)


def test_the_json_is_one_object_on_one_line_with_all_that_is_promised() -> None:
    line = as_json(a_result())
    told = json.loads(line)
    assert "\n" not in line
    assert set(told) == {
        *("name", "value", "unit", "aim", "aim_met", "peer", "ratio", "machine"),
        "details",
    }
    assert set(told["machine"]) == {"cpu", "cores", "memory_gb", "kernel", "load_before"}


def test_a_person_is_told_the_same_with_the_details_in_lines() -> None:
    text = as_text(a_result(aim_met=False))
    assert "calls: 49.50 completed calls/s, peer 50.00, ratio 0.990" in text
    assert "not shown" in text
    assert text.endswith("first line\nsecond line")


def test_a_process_is_seen_to_use_processor_and_memory() -> None:
    import os

    before = used(os.getpid())
    while used(os.getpid()).cpu_s == before.cpu_s:
        sum(range(100_000))
    assert before.rss_mb > 1


def test_a_process_that_is_gone_is_left_out() -> None:
    import os

    assert set(used_by({"me": os.getpid(), "nobody": 2**22 + 1})) == {"me"}


def test_every_known_benchmark_has_its_files() -> None:
    folder = Path(__file__).resolve().parents[3] / "cti" / "bench"
    for benchmark in KNOWN.values():
        assert (folder / f"{benchmark.module.rpartition('.')[2]}.py").is_file()
