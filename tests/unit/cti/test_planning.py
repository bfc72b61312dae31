"""`hotline staffing`, `hotline simulate`, `hotline bench erlang` on the command line."""

from __future__ import annotations

import csv
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from cti.bench import erlang
from cti.cli import main
from cti.planning_output import table, width

BEIJING = ("--calls-per-day", "27000", "--aht", "288")
Told = pytest.CaptureFixture[str]


def told_json(capsys: Told, *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def skills(folder: Path) -> Path:
    file = folder / "skills.csv"
    file.write_text("queue,share,aht,patience\ngeneral,80,280,90\nenterprise,20,320,\n", encoding="utf-8")
    return file


# ---------------------------------------------------------------- staffing


def test_beijing_needs_236_agents_and_338_people(capsys: Told) -> None:
    told = told_json(capsys, "staffing", *BEIJING, "--busy-hour-share", "0.1", "--shrinkage", "0.3")
    busy = told["pooled"]["busy_hour"]
    assert (busy["agents"], busy["people"], busy["patient_agents"]) == (236, 338, None)
    assert busy["load"] == pytest.approx(216.0)
    assert told["pooled"]["seats"] == 236
    assert len(told["pooled"]["intervals"]) == 48


def test_the_table_has_chinese_headings_and_all_half_hours(capsys: Told) -> None:
    assert main(["staffing", *BEIJING, "--patience", "90"]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("时段", "呼叫", "坐席C", "服务水平", "坐席A", "放弃率A", "人员"))
    assert len(re.findall(r"^\d\d:[03]0 ", out, re.MULTILINE)) == 48


def test_with_skills_a_second_table_has_the_agents_of_each(tmp_path: Path, capsys: Told) -> None:
    assert main(["staffing", *BEIJING, "--skills", str(skills(tmp_path))]) == 0
    _, _, second = capsys.readouterr().out.partition("各技能分别配置的坐席（C / A），每半小时：\n")
    heading, *rows = second.splitlines()
    assert heading.split() == ["时段", "合并", "综合", "企业服务专席"]
    assert len(rows) == 48
    busiest = re.split(r" {2,}", next(row for row in rows if row.startswith("10:00")))
    assert busiest[1].startswith("236 / ")
    assert "/" not in busiest[3]  # enterprise callers never hang up


def test_csv_and_plot_hold_every_skill(tmp_path: Path, capsys: Told) -> None:
    rows, plot = tmp_path / "day.csv", tmp_path / "day.svg"
    files = ("--csv", str(rows), "--plot", str(plot), "--skills", str(skills(tmp_path)))
    assert main(["staffing", *BEIJING, "--patience", "90", "--shrinkage", "0.3", *files]) == 0
    with rows.open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file))
    assert {row["技能"] for row in found} == {"合并", "综合", "企业服务专席"}
    assert len(found) == 3 * 48
    assert all(None not in row and None not in row.values() for row in found)
    drawn = ElementTree.fromstring(plot.read_text(encoding="utf-8"))  # noqa: S314 - ours
    texts = {one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {"坐席 Erlang-C", "坐席 Erlang-A", "各技能分别配置合计", "人员（含损耗）", "12:00"} <= texts
    paths = [one.attrib["d"] for one in drawn.iter("{http://www.w3.org/2000/svg}path")]
    assert len(paths) == 5
    assert not any("nan" in path or "inf" in path for path in paths)


def test_a_day_from_a_file_needs_no_number_of_calls(tmp_path: Path, capsys: Told) -> None:
    file = tmp_path / "day.csv"
    rows = "".join(f"{hour:02d}:{minute},100\n" for hour in range(24) for minute in ("00", "30"))
    file.write_text(f"start,calls\n{rows}", encoding="utf-8")
    told = told_json(capsys, "staffing", "--aht", "288", "--intervals", str(file))
    assert told["calls_per_day"] == 4800
    assert told["busy_hour_share"] == pytest.approx(1 / 24)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--aht", "288"], "calls-per-day = ''"),
        ([*BEIJING, "--service-level", "0.95"], "service-level = '0.95': write SHARE/SECONDS"),
        ([*BEIJING, "--service-level", "1.5/15"], "service-level = 1.5"),
        ([*BEIJING, "--skills", "nowhere.csv"], "nowhere.csv"),
        ([*BEIJING, "--policy", "nowhere.yaml"], "nowhere.yaml"),
        ([*BEIJING, "--plot", "/nowhere/at/all.svg"], "plot = '/nowhere/at/all.svg'"),
        ([*BEIJING, "--csv", "/nowhere/at/all.csv"], "csv = '/nowhere/at/all.csv'"),
        (
            [*BEIJING, "--intervals", "x.csv", "--busy-hour-share", "0.1"],
            "busy-hour-share = 0.1: leave it out",
        ),
    ],
)
def test_what_cannot_be_staffed_is_refused_with_status_2(
    arguments: list[str], named: str, capsys: Told
) -> None:
    assert main(["staffing", *arguments]) == 2
    captured = capsys.readouterr()
    assert named in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--calls-per-day", "many", "--aht", "288"], "--calls-per-day: 'many': give a number"),
        (["--calls-per-day", "nan", "--aht", "288"], "--calls-per-day: 'nan': give a number"),
        ([*BEIJING, "--shrinkage", "1"], "--shrinkage: '1': give a number from 0 to 0.9"),
        ([*BEIJING, "--patience", "0"], "--patience: '0'"),
        (["--calls-per-day", "27000"], "--aht"),
    ],
)
def test_a_number_out_of_bounds_is_refused_with_status_2(
    arguments: list[str], named: str, capsys: Told
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["staffing", *arguments])
    assert stopped.value.code == 2
    assert named in capsys.readouterr().err


def test_columns_of_chinese_text_line_up() -> None:
    lines = table(("技能", "n"), [("综合", 1), ("ab", 22)]).splitlines()
    assert [width(line) for line in lines] == [8, 8, 8]


# ---------------------------------------------------------------- simulate

APART = """
skills: [{name: general, title: 综合}, {name: enterprise, title: 企业}]
queues:
  - {name: general, title: 综合, needs: {general: 1}, wrap_up_s: 0}
  - {name: enterprise, title: 企业, needs: {enterprise: 1}, wrap_up_s: 0}
default_queue: general
"""

SMALL = ("--calls-per-day", "1500", "--aht", "288", "--patience", "90")


def test_the_same_seed_prints_the_same_day(capsys: Told) -> None:
    first, again = (told_json(capsys, "simulate", *SMALL, "--seed", "3") for _ in range(2))
    assert first == again
    assert first != told_json(capsys, "simulate", *SMALL, "--seed", "4")


def test_a_simulated_day_tells_all_that_a_supervisor_asks(tmp_path: Path, capsys: Told) -> None:
    told = told_json(capsys, "simulate", *SMALL, "--skills", str(skills(tmp_path)), "--speed")
    total = told["total"]
    assert total["answered"] + total["abandoned"] == total["calls"]
    assert total["p50_s"] <= total["p95_s"] <= total["p99_s"] <= total["longest_s"]
    assert set(told["queues"]) == {"general", "enterprise"}
    assert sum(one["calls"] for one in told["queues"].values()) == total["calls"]
    assert sum(one["figures"]["calls"] for one in told["slots"]) == total["calls"]
    assert told["lowest"]["connection_rate"] == pytest.approx(total["connection_rate"])  # one day: one window
    assert 0.3 < told["occupancy"] < 1
    assert told["events_per_second"] > 0


def test_agents_of_one_skill_each_serve_worse_than_the_same_number_in_a_pool(
    tmp_path: Path, capsys: Told
) -> None:
    def level(roster: str) -> float:
        file = tmp_path / "roster.csv"
        file.write_text(f"agents,skills,from,until\n{roster}", encoding="utf-8")
        policy = tmp_path / "policy.yaml"  # nobody helps out elsewhere
        policy.write_text(APART, encoding="utf-8")
        files = ("--skills", str(skills(tmp_path)), "--roster", str(file), "--policy", str(policy))
        told = told_json(capsys, "simulate", *SMALL, *files)
        return float(told["total"]["service_level"])

    apart = level("15,general,00:00,24:00\n5,enterprise,00:00,24:00\n")
    assert level("20,general enterprise,00:00,24:00\n") > apart


def test_staffing_for_each_skill_reaches_about_the_goal(tmp_path: Path, capsys: Told) -> None:
    arguments = ("--calls-per-day", "4000", "--aht", "288", "--patience", "120", "--ring", "0")
    file = ("--skills", str(skills(tmp_path)), "--agents", "apart")
    told = told_json(capsys, "simulate", *arguments, *file)
    assert all(one["service_level"] > 0.9 for one in told["queues"].values())


def test_the_report_for_people_has_every_half_hour(capsys: Told) -> None:
    assert main(["simulate", *SMALL, "--agents", "25", "--speed"]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("服务水平", "接通率", "占用率", "任意 24 小时最低接通率", "每秒"))
    assert len(re.findall(r"^\d\d:[03]0 ", out, re.MULTILINE)) == 48


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--agents", "many"], "agents = 'many': give 1 to 5000, staffing or apart"),
        (["--agents", "9999"], "agents[0] = 9999"),
        (["--ring", "20"], "ring = 20.0"),
        (["--wrap-up", "600"], "wrap-up = 600.0"),
        (["--seed", "-1"], "seed = -1"),
        (["--aht", "30"], "aht = 30.0"),
        (["--roster", "nowhere.csv"], "nowhere.csv"),
        (["--date", "Wednesday"], "date = 'Wednesday': write it as YYYY-MM-DD"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_status_2(
    arguments: list[str], named: str, capsys: Told
) -> None:
    assert main(["simulate", *SMALL, *arguments]) == 2
    assert named in capsys.readouterr().err


# ---------------------------------------------------------------- bench erlang


def test_the_benchmark_puts_simulated_beside_exact_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erlang, "BATCH", 5000)
    monkeypatch.setattr(erlang, "ROUTER_CALLS", 2000)
    row = erlang.compare(erlang.Load(erlang=10.0, agents=12, batches=20), rounds=2)
    assert row["wait_probability"]["exact"] == pytest.approx(0.44939, abs=5e-6)
    for what in ("wait_probability", "mean_wait_s"):
        one = row[what]
        assert one["off"] == pytest.approx(abs(one["simulated"] / one["exact"] - 1))
        assert one["off"] <= 2 * one["half_width"]
    assert row["router"]["furthest_from_ideal_s"] < 1e-6
    assert row["ideal_calls"] == 200_000


def test_the_simulated_day_begins_at_midnight_in_china(capsys: Told) -> None:
    told = told_json(capsys, "simulate", *SMALL, "--date", "2026-05-01")
    assert told["slots"][0]["start"] == 1777564800.0  # 2026-05-01T00:00:00+08:00
    busiest = max(told["slots"], key=lambda slot: slot["figures"]["calls"])
    assert 9 <= (busiest["start"] - 1777564800.0) / 3600 < 12
