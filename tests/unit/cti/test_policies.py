"""A routing policy that is edited while the server runs comes into force whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from acd.errors import InvalidValue, PolicyError
from acd.policy import SHIPPED, Policy
from cti.control.policies import Policies

TEXT = SHIPPED.read_text(encoding="utf-8")


class Centre:
    """What a policy is put into force at."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "policy.yaml"
        self.file.write_text(TEXT, encoding="utf-8")
        self.needed = {"general"}
        self.used: list[Policy] = []
        self.versions: list[str] = []
        self.policies = Policies(
            self.file,
            use=self.use,
            queues_needed=lambda: self.needed,
            changed=self.versions.append,
        )

    def use(self, policy: Policy) -> None:
        self.used.append(policy)

    async def edit(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")
        await self.policies.look()
        await self.policies.look()


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return Centre(tmp_path)


RENAMED = TEXT.replace("title: 企业服务专席}", "title: 企业专席}").replace(
    "title: 企业服务专席\n", "title: 企业专席\n"
)


async def test_an_edited_policy_comes_into_force(centre: Centre) -> None:
    before = centre.policies.version
    await centre.edit(RENAMED)
    assert centre.used == [centre.policies.policy]
    assert centre.policies.title("enterprise") == "企业专席"
    assert centre.versions == [centre.policies.version] != [before]


async def test_a_policy_with_an_error_is_refused_and_the_old_one_stays(centre: Centre) -> None:
    version = centre.policies.version
    await centre.edit(TEXT.replace("default_queue: general", "default_queue: nowhere"))
    assert (centre.used, centre.versions, centre.policies.version) == ([], [], version)
    assert "default_queue = 'nowhere'" in centre.policies.problem


async def test_a_mended_policy_leaves_no_complaint(centre: Centre) -> None:
    await centre.edit("nonsense: [")
    assert centre.policies.problem
    await centre.edit(RENAMED)
    assert centre.policies.problem == ""
    assert len(centre.used) == 1


async def test_going_back_to_what_is_in_force_changes_nothing(centre: Centre) -> None:
    await centre.edit("nonsense: [")
    await centre.edit(TEXT)
    assert (centre.policies.problem, centre.used) == ("", [])


async def test_a_queue_that_flows_need_cannot_be_taken_away(centre: Centre) -> None:
    centre.needed = {"general", "flood"}
    await centre.edit(RENAMED)
    assert centre.used == []
    assert "send callers to flood" in centre.policies.problem


async def test_a_policy_that_the_router_cannot_take_is_refused(centre: Centre) -> None:
    def refuse(_: Policy) -> None:
        raise InvalidValue("queues", 0, "wait until nobody is in it")

    version = centre.policies.version
    policies = Policies(centre.file, use=refuse, queues_needed=lambda: (), changed=centre.versions.append)
    centre.file.write_text(RENAMED, encoding="utf-8")
    await policies.look()
    await policies.look()
    assert (policies.version, centre.versions) == (version, [])
    assert "wait until nobody is in it" in policies.problem


def test_a_server_does_not_begin_with_a_broken_policy(centre: Centre) -> None:
    centre.file.write_text("nonsense: [", encoding="utf-8")
    with pytest.raises(PolicyError):
        Policies(centre.file, use=centre.use, queues_needed=lambda: (), changed=centre.versions.append)


async def test_a_restart_with_a_broken_policy_goes_on_with_what_was_in_force_last(centre: Centre) -> None:
    def started() -> Policies:
        return Policies(
            centre.file,
            use=centre.use,
            queues_needed=lambda: (),
            changed=centre.versions.append,
            kept=centre.file.parent / "in_force" / "policy.yaml",
        )

    centre.policies = started()
    await centre.edit(RENAMED)
    await centre.edit("nonsense: [")

    restarted = started()
    assert restarted.title("enterprise") == "企业专席"
    assert restarted.version == centre.policies.version
    assert "correct the YAML" in restarted.problem
