"""`hotline flows` and `hotline policy`, as an administrator meets them."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from acd.policy import SHIPPED as SHIPPED_POLICY
from cti.cli import main
from ivr_flows.loader import SHIPPED_FLOWS

CITIZEN = (SHIPPED_FLOWS / "citizen_line.yaml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HOTLINE_CONFIG", raising=False)


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED_FLOWS, tmp_path / "flows"))


def test_the_shipped_flows_have_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flows", "check"]) == 0
    assert "0 个错误" in capsys.readouterr().out


def test_a_wrong_flow_is_named_with_file_line_key_value_and_remedy(
    flows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = CITIZEN.replace("queue: general", "queue: nobody_knows")
    (flows / "citizen_line.yaml").write_text(broken, encoding="utf-8")
    line = broken[: broken.index("queue: nobody_knows")].count("\n") + 1
    assert main(["flows", "check", str(flows)]) == 1
    told = capsys.readouterr().out
    assert f"citizen_line.yaml:{line}: steps." in told
    assert "queue = 'nobody_knows': name a queue of the routing policy" in told


def test_files_that_are_no_flows_are_all_named(flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (flows / "a.yaml").write_text("flow: [", encoding="utf-8")
    (flows / "b.yaml").write_text("flow: b\ntitle: b\nsteps: {}", encoding="utf-8")
    assert main(["flows", "check", str(flows)]) == 1
    told = capsys.readouterr().out
    assert "a.yaml:" in told
    assert "b.yaml:" in told


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flows", "check", str(tmp_path / "nowhere")]) == 1
    assert "there is no such folder" in capsys.readouterr().err


def test_the_list_shows_which_number_leads_where(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flows", "list"]) == 0
    told = capsys.readouterr().out
    assert "citizen_line  市民来电" in told
    assert "12345、其他号码" in told
    assert "子流程" in told


def test_every_flow_gets_its_picture(tmp_path: Path) -> None:
    assert main(["flows", "draw", "--out", str(tmp_path / "out")]) == 0
    drawn = {path.stem for path in (tmp_path / "out").glob("*.svg")}
    assert drawn == {path.stem for path in SHIPPED_FLOWS.glob("*.yaml")}


def test_a_flow_that_is_not_there_is_named_with_those_that_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["flows", "draw", "nowhere", "--out", str(tmp_path)]) == 1
    assert "citizen_line" in capsys.readouterr().err


def test_a_flow_is_walked_with_answers_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flows", "play", "--number", "12345", "--keys", ",,h"]) == 0
    told = capsys.readouterr().out
    assert "▶ welcome" in told
    assert "您好，12345热线，通话将被录音。" in told
    assert "■ 市民已挂机" in told


def test_a_flow_is_walked_with_a_script_on_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("known=yes\n1\nh\n"))
    assert main(["flows", "play", "citizen_line"]) == 0
    assert "▶ enterprise" in capsys.readouterr().out


@pytest.mark.parametrize(("at", "step"), [("2026-11-24T03:00", "▶ choose"), ("2026-11-24T10:00", "▶ by_day")])
def test_the_hour_of_the_call_decides(at: str, step: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["flows", "play", "night", "--at", at, "--keys", "h"])
    assert step.replace("by_day", "citizen_line.") in capsys.readouterr().out


def test_a_flow_that_gives_up_ends_with_status_one() -> None:
    assert main(["flows", "play", "citizen_line", "--keys", ",,e,e"]) == 1


def test_the_shipped_policy_fits_the_shipped_flows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(SHIPPED_POLICY)]) == 0
    assert "0 个问题" in capsys.readouterr().out


def test_a_policy_without_a_queue_that_flows_need_does_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tmp_path / "policy.yaml"
    small.write_text(
        "skills: [{name: general, title: 综合}]\n"
        "queues: [{name: general, title: 综合, needs: {general: 1}}]\ndefault_queue: general\n",
        encoding="utf-8",
    )
    assert main(["policy", "check", str(small)]) == 1
    assert "流程把市民送往队列 enterprise" in capsys.readouterr().out


def test_a_wrong_policy_is_named_with_line_key_value_and_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "policy.yaml"
    text = SHIPPED_POLICY.read_text(encoding="utf-8")
    wrong.write_text(text.replace("default_queue: general", "default_queue: nowhere"), encoding="utf-8")
    assert main(["policy", "check", str(wrong)]) == 1
    assert "default_queue = 'nowhere': name one of the queues" in capsys.readouterr().err


def test_a_policy_is_compared_with_the_one_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "policy.yaml"
    text = SHIPPED_POLICY.read_text(encoding="utf-8")
    other.write_text(text.replace("place_every_s: 5", "place_every_s: 8"), encoding="utf-8")
    assert main(["policy", "diff", str(other)]) == 0
    assert "位次更新间隔（秒）：5 → 8" in capsys.readouterr().out
    assert main(["policy", "diff", str(SHIPPED_POLICY)]) == 0
    assert "与现行策略相同" in capsys.readouterr().out


def test_a_policy_is_tried_with_the_shipped_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "try", str(SHIPPED_POLICY)]) == 0
    assert "▶ 两人空闲，技能高者先接" in capsys.readouterr().out
