"""Rules about orders: taken up whole, refused whole, kept for a start over broken files."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cti.casework.case_rules import CaseRules
from cti.casework.policy_shelf import PolicyShelf
from cti.control.reload import AuditLine
from cti.edition_cases import CASES, case_files, case_problems
from cti.edition_folder import EditionFolder, KeptState, files_at_start
from cti.errors import SettingError
from cti.metrics import Metrics
from tests.support.editions import own_files

NOW = datetime.datetime(2026, 11, 23, 2, 0, tzinfo=datetime.UTC).timestamp()


class Home:
    """A server's own files about orders, and what it keeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = {}
        for kind, path in case_files().items():
            self.files[kind] = Path(shutil.copy(path, folder / CASES[kind].file))
        self.lines: list[AuditLine] = []

    def start(self) -> PolicyShelf:
        return PolicyShelf(
            self.files,
            kept=self.folder / "in_force",
            metrics=Metrics(),
            write=self._write,
            clock=lambda: NOW,
        )

    def edit(self, kind: str, old: str, new: str) -> None:
        text = self.files[kind].read_text(encoding="utf-8")
        assert old in text
        self.files[kind].write_text(text.replace(old, new), encoding="utf-8")

    async def _write(self, line: AuditLine) -> bool:
        self.lines.append(line)
        return True


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


async def looks(shelf: PolicyShelf) -> None:
    for _ in range(2):  # a change counts when two looks see the same
        await shelf.look()


async def test_an_edited_file_replaces_the_rules_whole_and_stands_in_the_trail(home: Home) -> None:
    shelf = home.start()
    before = shelf.policy.rules
    home.edit("clocks", "title: 一般诉求", "title: 普通诉求")
    await looks(shelf)
    assert shelf.policy.rules is not before
    assert shelf.policy.rules.keeper.rules.rules[0].title == "普通诉求"
    assert [(line.what, line.target) for line in home.lines] == [("cases_changed", "clocks")]


async def test_a_broken_file_changes_nothing_and_says_where_it_is_broken(home: Home) -> None:
    shelf = home.start()
    before = shelf.policy.rules
    home.edit("clocks", "span: 5 workdays", "span: soon")
    home.edit("answers", "times: 1", "times: 2")
    await looks(shelf)
    assert shelf.policy.rules is before and shelf.refused == ("cases",)
    assert "clocks.yaml" in shelf.problem and "limits.resolve.span" in shelf.problem
    home.edit("clocks", "span: soon", "span: 6 workdays")
    await looks(shelf)
    assert not shelf.problem and shelf.policy.rules.answers.redo.times == 2


async def test_a_start_over_a_broken_file_goes_on_with_what_was_in_force(home: Home) -> None:
    home.edit("clocks", "title: 一般诉求", "title: 普通诉求")
    home.start()
    home.edit("clocks", "span: 5 workdays", "span: soon")
    shelf = home.start()
    assert shelf.refused == ("cases",)
    assert shelf.policy.rules.keeper.rules.rules[0].title == "普通诉求"


async def test_a_first_start_over_a_broken_file_names_the_setting(home: Home) -> None:
    home.edit("workdays", "time_zone: Asia/Shanghai", "time_zone: Nowhere")
    with pytest.raises(SettingError) as error:
        home.start()
    assert error.value.key == "orders.workdays" and "time_zone" in str(error.value)


async def test_automatic_dispatch_is_told_of_its_new_policy(home: Home) -> None:
    shelf = home.start()
    told: list[float] = []
    shelf.on_rules.append(lambda rules: told.append(rules.dispatch.sampling))
    home.edit("dispatch", "\nsampling: 0.1", "\nsampling: 0.2")
    await looks(shelf)
    assert told == [0.2]


@pytest.mark.parametrize(
    ("kind", "old", "new", "seen"),
    [
        ("assessment", "minimum: 5", "minimum: 7", lambda rules: rules.assessment.minimum == 7),
        ("notices", "confidential: false", "confidential: true", lambda rules: rules.notices.confidential),
        ("privacy", "per_hour: 30", "per_hour: 31", lambda rules: rules.privacy.per_hour == 31),
        ("retention", "person: 180", "person: 90", lambda rules: rules.retention.rules[0].person == 90),
    ],
)
async def test_what_is_assessed_told_shown_and_kept_is_taken_up_while_serving(
    home: Home, kind: str, old: str, new: str, seen: Callable[[CaseRules], bool]
) -> None:
    shelf = home.start()
    assert not seen(shelf.rules)
    home.edit(kind, old, new)
    await looks(shelf)
    assert seen(shelf.rules)
    assert [(line.what, line.target) for line in home.lines] == [("cases_changed", kind)]


async def test_a_privacy_document_that_would_break_a_promise_is_refused(home: Home) -> None:
    shelf = home.start()
    everything = "[caller, phone, contact, detail, words, recording, files]"
    home.edit("privacy", f"confidential: {{masked: {everything},", "confidential: {masked: [caller],")
    await looks(shelf)
    assert shelf.refused == ("cases",) and "cover everything" in shelf.problem


async def test_a_calendar_that_ends_soon_is_spoken_of(home: Home) -> None:
    assert [note.year for note in home.start().notes] == [2027]  # only what the law fixes so far
    text = home.files["workdays"].read_text(encoding="utf-8")
    home.files["workdays"].write_text(text.split('  "2027"')[0], encoding="utf-8")
    (note,) = home.start().notes
    assert note.missing and "2027" in note.shown


def test_what_is_wrong_with_a_document_is_told_with_file_line_key_and_remedy() -> None:
    text = CASES["clocks"].shipped.read_text(encoding="utf-8").replace("span: 5 workdays", "span: soon")
    (problem,) = case_problems({"clocks": text})
    assert (problem.file, problem.key) == ("clocks.yaml", "rules[0].limits.resolve.span")
    assert text.splitlines()[problem.line - 1].strip() == "span: soon" and problem.remedy


def test_a_set_that_an_older_version_kept_starts_with_this_versions_files(tmp_path: Path) -> None:
    own = own_files(tmp_path)
    kept = EditionFolder(tmp_path / "editions")
    kept.set.mkdir(parents=True)
    kept.keep(KeptState(head=7))
    files = files_at_start(own, tmp_path / "editions")
    assert files.policy.parent == kept.set and files.cases == own.cases
