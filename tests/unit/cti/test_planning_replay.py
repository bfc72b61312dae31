"""`hotline replay`: a day that went through journal and database comes back as it was."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from acd.messages import AgentChanged, Decision
from acd.policy import Policy, parse_policy
from acd.sim_results import report
from acd.simulation import Run, Shift, SimCall, simulate
from cti.calls import CallStore
from cti.cli import main
from cti.database import migrate, open_engine
from cti.journal import Journal
from cti.messages import Entry, EntryKind
from cti.planning_days import CHINA
from cti.tables import accounts

DAY = (datetime.now(CHINA) - timedelta(days=3)).date()
START = datetime(DAY.year, DAY.month, DAY.day, tzinfo=CHINA).timestamp()

POLICY = """
skills:
  - {name: general, title: 综合}
  - {name: enterprise, title: 企业服务专席}
queues:
  - {name: general, title: 综合, needs: {general: 1}, ring_limit_s: 15, wrap_up_s: 60}
  - {name: enterprise, title: 企业服务专席, needs: {enterprise: 1}, ring_limit_s: 15, wrap_up_s: 60}
default_queue: general
"""

SKILLS: dict[str, dict[str, int]] = {
    **{f"both{i}": {"general": 3, "enterprise": 3} for i in range(3)},
    **{f"general{i}": {"general": 4} for i in range(6)},
    **{f"enterprise{i}": {"enterprise": 4} for i in range(3)},
}


@dataclass
class Written:
    """A day, played by the simulator, as the server's journal would tell it."""

    numbers: Iterator[int] = field(default_factory=count)
    entries: list[Entry] = field(default_factory=list)

    def note(self, at: float, kind: EntryKind, call_id: str, **data: object) -> None:
        self.entries.append(
            Entry(
                entry_id=f"e{next(self.numbers):08d}",
                call_id=call_id,
                at=START + at,
                kind=kind,
                data={key: value for key, value in data.items() if value is not None},
            )
        )

    def watch(self, decision: Decision, now: float) -> None:
        if isinstance(decision, AgentChanged):
            self.note(
                now,
                EntryKind.AGENT_STATE,
                decision.call_id or "",
                agent_id=decision.agent_id,
                state=decision.state.value,
            )

    def state(self, call: SimCall, at: float, name: str, **data: object) -> None:
        self.note(at, EntryKind.CALL_STATE, call.call_id, state=name, **data)

    def calls(self, run: Run) -> None:
        for told in run.calls:
            call, who = told.call, told.agent_id
            came = START + call.at - 2
            self.state(call, call.at - 2, "incoming", caller="13800000000", called="12345", started=came)
            self.state(call, call.at, "waiting", queue=call.queue, queued=START + call.at)
            if told.answered is not None:
                self.state(call, told.answered, "talking", agent_id=who, answered=START + told.answered)
                self.note(told.answered, EntryKind.CALL_LEG, call.call_id, agent_id=who, result="answered")
                over = told.answered + call.talk_s
                self.state(call, over, "wrap_up", agent_id=who, talk_ended=START + over)
                self.state(call, over + 60, "ended", outcome="answered", ended=START + over + 60)
            elif told.left is not None:
                self.state(call, told.left, "ended", outcome="abandoned_waiting", ended=START + told.left)


def played(seed: int = 7) -> tuple[Run, Written]:
    """About 700 calls between 09:00 and 17:00 for agents who are too few at times."""
    chance = random.Random(seed)
    calls: list[SimCall] = []
    at = 9 * 3600.0
    while (at := at + chance.expovariate(1 / 40)) < 17 * 3600:
        calls.append(
            SimCall(
                call_id=f"hl1-{len(calls)}",
                at=at,
                queue="enterprise" if chance.random() < 0.25 else "general",
                talk_s=chance.expovariate(1 / 240),
                ring_s=chance.uniform(1, 6),
                wrap_up_s=min(60.0, chance.expovariate(1 / 50)),
                patience_s=chance.expovariate(1 / 90),
            )
        )
    shifts = []
    for agent_id, skills in SKILLS.items():
        begin, noon = 8.5 * 3600 + chance.uniform(0, 3600), 12 * 3600 + chance.uniform(-1800, 1800)
        shifts.append(Shift(agent_id=agent_id, at=begin, until=noon, skills=skills))
        shifts.append(Shift(agent_id=agent_id, at=noon + 2400, until=18 * 3600.0, skills=skills))
    written = Written()
    run = simulate(policy(), calls, shifts, end=86400.0, watch=written.watch)
    written.calls(run)
    return run, written


def policy() -> Policy:
    return parse_policy(POLICY.encode())


async def store(folder: Path, entries: list[Entry], people: dict[str, dict[str, int]]) -> None:
    """Write entries through journal and store, and people's accounts, into the instance's SQLite."""
    url = f"sqlite:///{folder / 'hotline.sqlite'}"
    await migrate(url)
    engine = open_engine(url)
    async with Journal(folder / "journal", CallStore(engine).write) as journal:
        for entry in sorted(entries, key=lambda one: (one.at, one.entry_id)):
            journal.append(entry)
        await journal.delivered()
    async with engine.begin() as connection:
        await connection.execute(
            insert(accounts),
            [
                {
                    "login": login,
                    "name": login,
                    "role": "agent",
                    "extension": "",
                    "skills": skills,
                    "password_hash": "",
                    "active": True,
                    "created_at": 0.0,
                    "changed_at": 0.0,
                }
                for login, skills in people.items()
            ],
        )
    await engine.dispose()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A home folder whose instance `main` has seen the day."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "main"
    folder.mkdir()
    (home / "policy.yaml").write_text(POLICY, encoding="utf-8")
    run, written = played()
    asyncio.run(store(folder, written.entries, SKILLS))
    return home, run


Replay = Callable[..., dict[str, Any]]


@pytest.fixture
def replayed(
    home: tuple[Path, Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Replay:
    """Runs `hotline replay … --json` and returns the object."""
    monkeypatch.setenv("HOTLINE_HOME", str(home[0]))

    def run(*more: str) -> dict[str, Any]:
        arguments = ["replay", "--date", DAY.isoformat(), "--json", *more]
        assert main(arguments) == 0
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return told

    return run


def test_what_happened_is_read_back_as_it_was(home: tuple[Path, Run], replayed: Replay) -> None:
    told = replayed("--policy", str(home[0] / "policy.yaml"))
    run = home[1]
    was = report(
        run.calls, run.spells, queues=["general", "enterprise"], start=0.0, end=86400.0, within_s=15.0
    )
    happened = told["happened"]["total"]
    assert (happened["calls"], happened["answered"], happened["abandoned"]) == (
        was.total.calls,
        was.total.answered,
        was.total.abandoned,
    )
    assert happened["answer_s"] == pytest.approx(was.total.answer_s, abs=1e-3)
    assert told["happened"]["occupancy"] == pytest.approx(was.occupancy, abs=1e-3)
    assert told["missing"] == {}


def test_the_same_policy_makes_the_same_day_again(home: tuple[Path, Run], replayed: Replay) -> None:
    told = replayed("--policy", str(home[0] / "policy.yaml"))
    for half_hour, again in zip(told["happened"]["slots"], told["proposed"]["slots"], strict=True):
        for key, value in half_hour["figures"].items():
            assert again["figures"][key] == pytest.approx(value, abs=0.01), (half_hour["start"], key)
        assert again["agents"] == pytest.approx(half_hour["agents"], abs=0.05)
    assert told["proposed"]["occupancy"] == pytest.approx(told["happened"]["occupancy"], abs=1e-3)


def test_the_pool_answers_more_than_happened(home: tuple[Path, Run], replayed: Replay) -> None:
    told = replayed("--policy", str(home[0] / "policy.yaml"))
    assert told["pooled"]["total"]["answered"] > told["happened"]["total"]["answered"]
    assert told["pooled"]["total"]["service_level"] > told["happened"]["total"]["service_level"]


def test_another_policy_makes_another_day_for_the_same_callers(
    home: tuple[Path, Run], replayed: Replay, tmp_path: Path
) -> None:
    first = tmp_path / "first.yaml"
    first.write_text(POLICY.replace("wrap_up_s: 60", "wrap_up_s: 0"), encoding="utf-8")
    told = replayed("--policy", str(first))
    assert told["proposed"]["total"]["calls"] == told["happened"]["total"]["calls"]
    assert told["proposed"]["total"]["answered"] > told["happened"]["total"]["answered"]
    assert told["proposed"]["occupancy"] < told["happened"]["occupancy"]


def test_the_table_says_its_rules_and_that_nothing_is_missing(
    home: tuple[Path, Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(home[0]))
    policy_file = str(home[0] / "policy.yaml")
    assert main(["replay", "--date", DAY.isoformat(), "--policy", policy_file]) == 0
    told = capsys.readouterr().out
    assert all(word in told for word in ("当日实际", "拟议策略", "合并上限", "删失", "记录缺失：无"))
    assert "13800000000" not in told


def test_what_the_records_leave_out_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, written = played()
    stranger = next(iter(SKILLS))
    unspoken = next(one for one in run.calls if one.answered is not None).call.call_id
    entries = [
        entry
        for entry in written.entries
        if not (entry.kind is EntryKind.AGENT_STATE and entry.call_id == unspoken)
    ]
    (tmp_path / "main").mkdir()
    known = {login: skills for login, skills in SKILLS.items() if login != stranger}
    asyncio.run(store(tmp_path / "main", entries, known))
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path))
    assert main(["replay", "--date", DAY.isoformat(), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["missing"] == {
        "有状态记录但技能未知的坐席（未参加重放）": 1,
        "无坐席通话记录的来电（通话取接通到结束）": 1,
    }


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--date", "yesterday"], "date = 'yesterday'"),
        (["--date", "2099-01-01"], "date = '2099-01-01': give a day that is over"),
        (["--date", "2020-01-01"], "date = '2020-01-01': choose a day"),
        (["--service-level", "95"], "service-level = '95'"),
        (["--policy", "nowhere.yaml"], "nowhere.yaml"),
        (["--instance", "other"], "instance = 'other'"),
    ],
)
def test_what_cannot_be_replayed_is_refused_by_name(
    home: tuple[Path, Run],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    named: str,
) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(home[0]))
    assert main(["replay", *arguments]) == 2
    assert named in capsys.readouterr().err
