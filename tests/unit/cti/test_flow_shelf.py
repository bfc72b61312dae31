"""Edited flows come into force whole or not at all; calls in progress keep the version they began with."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from acd.policy import Policy, load_policy
from cti.control.flows import FlowShelf, Version
from cti.flowset import FlowFiles, FlowsRefused, queues_named
from ivr_flows.errors import FlowFileError
from ivr_flows.loader import SHIPPED_CALENDAR, SHIPPED_FLOWS, SHIPPED_NUMBERS
from ivr_flows.speech import load_manifest

NOW = 1_790_000_000.0  # in September 2026, when the calendar's next year need not be known yet


class Office:
    """A folder of flows that somebody edits, and the shelf that watches it."""

    def __init__(self, folder: Path) -> None:
        self.files = FlowFiles(
            folder=folder / "flows", numbers=folder / "numbers.yaml", calendar=folder / "calendar.yaml"
        )
        shutil.copytree(SHIPPED_FLOWS, self.files.folder)
        shutil.copy(SHIPPED_NUMBERS, self.files.numbers)
        shutil.copy(SHIPPED_CALENDAR, self.files.calendar)
        self.policy = load_policy()
        self.in_progress: set[Version] = set()
        self.changes: list[list[str]] = []
        self.unknown = 0
        self.shelf = self.opened()

    def opened(self) -> FlowShelf:
        return FlowShelf(
            self.files,
            policy=lambda: self.policy,
            in_progress=lambda: self.in_progress,
            now=lambda: NOW,
            changed=self.noted,
            unknown=self.counted,
        )

    def noted(self, names: Collection[str]) -> None:
        self.changes.append(list(names))

    def counted(self) -> None:
        self.unknown += 1

    def edit(self, old: str, new: str, flow: str = "citizen_line") -> None:
        path = self.files.folder / f"{flow}.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    async def look(self) -> None:
        await self.shelf.look()
        await self.shelf.look()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


async def test_an_edited_flow_comes_into_force_for_new_calls(office: Office) -> None:
    before = office.shelf.for_number("12345").version
    office.edit("wait_s: 1.0", "wait_s: 2.0")
    await office.look()
    assert office.shelf.for_number("12345").version != before
    assert office.changes[0][0] == "citizen_line"


async def test_a_call_in_progress_keeps_the_version_it_began_with(office: Office) -> None:
    began = office.shelf.for_number("12345")
    office.in_progress = {(began.name, began.version)}
    office.edit("wait_s: 1.0", "wait_s: 2.0")
    await office.look()
    assert office.shelf.named(began.name, began.version) is began


async def test_a_version_that_no_call_is_in_any_more_is_forgotten(office: Office) -> None:
    began = office.shelf.for_number("12345")
    office.in_progress = {(began.name, began.version)}
    office.edit("wait_s: 1.0", "wait_s: 2.0")
    await office.look()
    office.in_progress = set()
    await office.look()
    assert office.shelf.named(began.name, began.version) is office.shelf.for_number("12345")


async def test_a_flow_with_an_error_is_refused_and_the_old_ones_stay(office: Office) -> None:
    before = office.shelf.flows
    office.edit("queue: general", "queue: nobody_knows")
    await office.look()
    assert office.shelf.flows is before
    assert office.changes == []
    assert any(problem.key.endswith(".queue") for problem in office.shelf.problems)


async def test_one_broken_file_keeps_all_other_changes_out(office: Office) -> None:
    before = office.shelf.flows
    office.edit("wait_s: 1.0", "wait_s: 2.0")
    (office.files.folder / "extra.yaml").write_text("flow: [", encoding="utf-8")
    await office.look()
    assert office.shelf.flows is before
    assert [Path(problem.file).name for problem in office.shelf.problems] == ["extra.yaml"]


async def test_every_broken_file_is_named_at_once(office: Office) -> None:
    for name in ("one", "two"):
        (office.files.folder / f"{name}.yaml").write_text("flow: [", encoding="utf-8")
    await office.look()
    assert [Path(problem.file).name for problem in office.shelf.problems] == ["one.yaml", "two.yaml"]


async def test_mended_flows_come_into_force_and_leave_no_complaint(office: Office) -> None:
    office.edit("wait_s: 1.0", "wait_s: never")
    await office.look()
    assert office.shelf.problems
    office.edit("wait_s: never", "wait_s: 2.0")
    await office.look()
    assert office.shelf.problems == ()
    assert office.changes


async def test_a_new_called_number_needs_no_restart(office: Office) -> None:
    text = office.files.numbers.read_text(encoding="utf-8")
    office.files.numbers.write_text(f'{text.rstrip()}\n  "12399": night\n', encoding="utf-8")
    await office.look()
    assert office.changes == [["numbers"]]
    assert office.shelf.for_number("12399").name == "night"


async def test_a_new_holiday_needs_no_restart(office: Office) -> None:
    text = office.files.calendar.read_text(encoding="utf-8")
    office.files.calendar.write_text(text.replace("08:00-22:00", "08:30-22:00"), encoding="utf-8")
    await office.look()
    assert office.changes == [["calendar"]]


async def test_flows_that_waited_for_a_queue_come_into_force_with_the_policy(office: Office) -> None:
    office.edit("queue: general", "queue: harbour")
    await office.look()
    assert office.shelf.problems
    office.policy = with_queue(office.policy, "harbour")
    await office.look()
    assert office.shelf.problems == ()
    assert "harbour" in office.shelf.queues()


def with_queue(policy: Policy, name: str) -> Policy:
    general = next(queue for queue in policy.queues if queue.name == policy.default_queue)
    return msgspec.structs.replace(
        policy, queues=(*policy.queues, msgspec.structs.replace(general, name=name))
    )


def test_calls_to_numbers_that_nobody_entered_take_the_default_flow_and_are_counted(office: Office) -> None:
    assert office.shelf.for_number("99999").name == office.shelf.flows.default
    assert office.shelf.for_number("12345").name == "citizen_line"
    assert office.unknown == 1


def test_a_server_does_not_begin_with_broken_flows(office: Office) -> None:
    office.edit("wait_s: 1.0", "wait_s: never")
    with pytest.raises(FlowFileError, match="wait_s"):
        office.opened()


def test_a_server_begins_although_a_prompt_is_missing(office: Office) -> None:
    office.edit("[greeting, keys]", "[greeting, never_recorded]")
    shelf = office.opened()
    assert shelf.for_number("12345").name == "citizen_line"


def test_a_set_is_refused_with_everything_that_is_wrong(office: Office) -> None:
    office.edit("[greeting, keys]", "[greeting, never_recorded]")
    office.edit("queue: general", "queue: nobody_knows")
    with pytest.raises(FlowsRefused) as refused:
        office.files.load_checked(office.policy, load_manifest().prompts, datetime.date(2026, 9, 1))
    keys = {problem.key.rpartition(".")[2] for problem in refused.value.problems}
    assert {"prompts[1]", "queue"} <= keys


def test_the_queues_of_flows_and_numbers_are_found(office: Office) -> None:
    named = queues_named(office.shelf.flows)
    assert {"general", "enterprise"} <= named
    entry = replace(office.shelf.flows.entries["12345"], queue="own_queue")
    flows = replace(office.shelf.flows, entries={"12345": entry})
    assert "own_queue" in queues_named(flows)


def kept_shelf(office: Office) -> FlowShelf:
    return FlowShelf(
        office.files,
        policy=lambda: office.policy,
        in_progress=lambda: (),
        now=lambda: NOW,
        changed=office.noted,
        kept=office.files.folder.parent / "in_force" / "flows",
    )


async def test_a_restart_with_broken_files_goes_on_with_what_was_in_force_last(office: Office) -> None:
    office.shelf = kept_shelf(office)
    office.edit("wait_s: 1.0", "wait_s: 2.0")
    await office.look()
    taken = office.shelf.for_number("12345").version
    office.edit("wait_s: 2.0", "wait_s: never")
    await office.look()

    restarted = kept_shelf(office)
    assert restarted.for_number("12345").version == taken
    assert [problem.key for problem in restarted.problems] == ["steps.welcome.wait_s"]


async def test_files_mended_after_such_a_restart_come_into_force(office: Office) -> None:
    kept_shelf(office)
    office.edit("wait_s: 1.0", "wait_s: never")
    office.shelf = kept_shelf(office)
    office.edit("wait_s: never", "wait_s: 3.0")
    await office.look()
    assert office.shelf.problems == ()
    assert office.changes[-1][0] == "citizen_line"


def test_a_flow_that_was_removed_is_not_in_the_copy_either(office: Office) -> None:
    kept_shelf(office)
    (office.files.folder / "callback_answer.yaml").unlink()
    kept_shelf(office)
    copied = office.files.folder.parent / "in_force" / "flows" / "flows"
    assert {path.name for path in copied.iterdir()} == {path.name for path in office.files.folder.iterdir()}


def test_a_first_start_with_broken_files_fails(office: Office) -> None:
    office.edit("wait_s: 1.0", "wait_s: never")
    with pytest.raises(FlowFileError):
        kept_shelf(office)
