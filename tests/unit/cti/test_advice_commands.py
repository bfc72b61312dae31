"""`hotline units` and `hotline knowledge`: files are taken whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti import cli
from cti.knowledgeadmin import KnowledgeRefused, import_articles
from cti.textfiles import FileUnreadable, read_text

SAMPLE = Path(__file__).parents[3] / "orders" / "data" / "knowledge_sample.yaml"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path


def test_units_and_rules_are_imported_listed_and_tried(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    units = home / "units.csv"
    units.write_text(
        "name,level,parent,duties,areas\n市住建局,市级,,,\n东城区住建局,区县,市住建局,,东城区\n", "gb18030"
    )
    rules = home / "rules.csv"
    rules.write_text("category,district,street,unit,since,until\n物业管理,,,市住建局,2020-01-01,\n", "utf-8")
    assert cli.main(["units", "import", str(units), "--dry-run"]) == 0
    assert cli.main(["units", "list"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("试运行，未写入：2 个单位，新增 2 个，删除 0 个\n文件编码 GBK/GB18030")
    assert said.count("\n") == 2  # there are no units in the list
    assert cli.main(["units", "import", str(units)]) == 0
    assert cli.main(["units", "rules", str(rules)]) == 0
    capsys.readouterr()
    assert cli.main(["units", "advise", "物业乱收费", "--category", "物业管理", "--district", "东城区"]) == 0
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert "市住建局" in first
    assert "rule:r" in first
    assert "东城区住建局" in second


def test_a_wrong_line_leaves_everything_as_it_was(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "units.csv"
    file.write_text("name,level\n甲,市级\n乙,国家\n", "utf-8")
    assert cli.main(["units", "import", str(file)]) == 1
    assert "第 3 行" in capsys.readouterr().err
    assert cli.main(["units", "list"]) == 0
    assert capsys.readouterr().out == ""


def test_articles_are_imported_once_and_found(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["knowledge", "import", str(SAMPLE)]) == 0
    assert cli.main(["knowledge", "import", str(SAMPLE)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "已导入：20 条知识，新增 20，更新 0，未变 0", "已导入：20 条知识，新增 0，更新 0，未变 20",
    ]  # fmt: skip
    assert cli.main(["knowledge", "find", "社保卡丢了"]) == 0
    assert "社保卡丢了怎么补办" in capsys.readouterr().out.splitlines()[0]


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeRefused, match=r"\.csv or \.yaml"):
        import_articles(tmp_path / "a.docx")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"\xff\xff\xff\x81")
    with pytest.raises(FileUnreadable, match="save it as CSV UTF-8"):
        read_text(file)
