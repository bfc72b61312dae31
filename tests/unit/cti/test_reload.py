"""What happens to edited files is counted, audited and told; a database that is away loses no line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from acd.policy import SHIPPED, Policy
from cti.control.reload import AuditLine, Reload
from cti.flowset import FlowFiles
from cti.metrics import Metrics
from ivr_flows.loader import SHIPPED_CALENDAR, SHIPPED_FLOWS, SHIPPED_NUMBERS

NOW = 1_790_000_000.0


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


class Office:
    """Files of an administrator's own, and the part that looks after them."""

    def __init__(self, folder: Path) -> None:
        self.flows = Path(shutil.copytree(SHIPPED_FLOWS, folder / "flows"))
        self.policy = Path(shutil.copy(SHIPPED, folder / "policy.yaml"))
        self.metrics = Metrics()
        self.used: list[Policy] = []
        self.lines: list[AuditLine] = []
        self.database = True
        self.told = 0
        self.reload = Reload(
            FlowFiles(folder=self.flows, numbers=SHIPPED_NUMBERS, calendar=SHIPPED_CALENDAR),
            self.policy,
            use=self.used.append,
            in_progress=lambda: (),
            metrics=self.metrics,
            write=self.write,
            changed=self.changed,
            clock=lambda: NOW,
        )

    async def write(self, line: AuditLine) -> bool:
        if self.database:
            self.lines.append(line)
        return self.database

    def changed(self) -> None:
        self.told += 1

    async def edit(self, path: Path, old: str, new: str) -> None:
        replace_in(path, old, new)
        await self.reload.look()
        await self.reload.look()

    @property
    def events(self) -> list[str]:
        return [line.what for line in self.lines]

    def refused(self, part: str) -> float | None:
        return self.metrics.registry.get_sample_value("hotline_files_refused", {"part": part})


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


async def test_taking_up_a_policy_is_audited_with_its_version(office: Office) -> None:
    await office.edit(office.policy, "place_every_s: 5", "place_every_s: 8")
    assert office.events == ["policy_changed"]
    assert office.lines[0].target == office.reload.policies.version
    assert len(office.used) == 1


async def test_taking_up_flows_is_audited_with_their_names(office: Office) -> None:
    await office.edit(office.flows / "night.yaml", "title: 夜间值班", "title: 夜班")
    await office.edit(office.flows / "citizen_line.yaml", "wait_s: 1.0", "wait_s: 2.0")
    assert office.events == ["flows_changed"]
    assert "citizen_line" in office.lines[0].target


async def test_a_refusal_is_counted_audited_and_shown_once(office: Office) -> None:
    await office.edit(office.policy, "default_queue: general", "default_queue: nowhere")
    await office.reload.look()
    assert office.events == ["policy_refused"]
    assert office.reload.refused == ("policy",)
    assert (office.refused("policy"), office.refused("flows")) == (1, 0)
    assert office.told == 1


async def test_mended_files_are_no_longer_shown_as_refused(office: Office) -> None:
    flow = office.flows / "citizen_line.yaml"
    await office.edit(flow, "wait_s: 1.0", "wait_s: never")
    assert list(office.reload.refused) == ["flows"]
    await office.edit(flow, "wait_s: never", "wait_s: 1.0")
    assert not office.reload.refused
    assert office.refused("flows") == 0
    assert office.told == 2


async def test_another_mistake_in_the_same_files_is_audited_again(office: Office) -> None:
    flow = office.flows / "citizen_line.yaml"
    await office.edit(flow, "wait_s: 1.0", "wait_s: never")
    await office.edit(flow, "wait_s: never", "wait_s: 900")
    assert office.events == ["flows_refused", "flows_refused"]


async def test_audit_lines_wait_for_the_database(office: Office) -> None:
    office.database = False
    await office.edit(office.policy, "place_every_s: 5", "place_every_s: 8")
    assert office.lines == []
    office.database = True
    await office.reload.look()
    assert office.events == ["policy_changed"]


async def test_untouched_files_leave_no_trace(office: Office) -> None:
    for _ in range(3):
        await office.reload.look()
    assert (office.lines, office.told, office.used) == ([], 0, [])
