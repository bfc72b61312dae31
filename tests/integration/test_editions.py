"""Editions of the configuration, on both databases: published, refused, taken up, shared, gone back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.audit import trail
from cti.control.editions import SetRefused
from cti.database import open_engine
from cti.edition_cases import CASES
from cti.editions import Change, EditionConflict, EditionRefused, Origin
from cti.tables import editions
from tests.support.editions import ConfigServer, own_files

NIGHT = "flow:night"


@pytest_asyncio.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(migrated_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def server(engine: AsyncEngine, tmp_path: Path) -> ConfigServer:
    return ConfigServer(engine, own_files(tmp_path / "files"), tmp_path / "one")


def title(server: ConfigServer) -> str:
    flow = server.reload.flows.flows.named("night")
    return flow.title if flow else ""


async def test_before_anything_is_published_the_files_are_in_force(server: ConfigServer) -> None:
    await server.looks()
    documents, newest, head = await server.keeper.in_force()
    assert (newest, head, server.keeper.managed) == ({}, 0, False)
    assert documents[NIGHT] == server.text(NIGHT)


async def test_what_is_published_is_in_force_at_once_and_the_file_before_it_is_edition_1(
    server: ConfigServer,
) -> None:
    before = server.text(NIGHT)
    edition = await server.publish(NIGHT, "title: 夜间值班", "title: 夜班")
    assert (edition.number, edition.base, edition.origin) == (2, 1, Origin.PAGE)
    assert title(server) == "夜班"
    first = await server.keeper.store.one(NIGHT, 1)
    assert (first.text, first.origin, first.author) == (before, Origin.FILE, "system")


async def test_a_publication_is_in_the_trail_with_author_reason_and_difference(
    server: ConfigServer, engine: AsyncEngine
) -> None:
    await server.publish(NIGHT, "title: 夜间值班", "title: 夜班", by="wang", reason="改名")
    line = next(one for one in await trail(engine) if one.what == "edition_published")
    assert (line.who, line.target) == ("wang", NIGHT)
    assert {"reason": "改名", "number": 2, "base": 1, "added": 1, "gone": 1}.items() <= line.detail.items()


async def test_a_call_in_progress_ends_under_the_version_it_began_with(server: ConfigServer) -> None:
    flow = server.reload.flows.flows.named("night")
    assert flow is not None
    server.calls.append((flow.name, flow.version))
    await server.publish(NIGHT, "max_steps: 2", "max_steps: 1")
    still = server.reload.flows.named("night", flow.version)
    assert still == flow
    assert server.reload.flows.flows.named("night") != flow


async def test_a_wrong_flow_is_refused_with_line_and_key_and_changes_nothing(server: ConfigServer) -> None:
    line = server.text(NIGHT).splitlines().index(next(
        one for one in server.text(NIGHT).splitlines() if one.startswith("start:")
    )) + 1  # fmt: skip
    with pytest.raises(SetRefused) as refused:
        await server.publish(NIGHT, "start: ", "start: no_such_")
    problem = refused.value.problems[0]
    assert (problem.file, problem.line, problem.key) == ("flows/night.yaml", line, "start")
    assert await server.keeper.store.head() == 0
    assert title(server) == "夜间值班"


async def test_a_policy_may_not_lose_a_queue_that_flows_use(server: ConfigServer) -> None:
    with pytest.raises(SetRefused) as refused:
        await server.publish("policy", "name: enterprise\n    title", "name: enterprises\n    title")
    assert any("enterprise" in problem.value for problem in refused.value.problems)


async def test_who_edited_an_older_edition_is_told_of_the_newer_one(server: ConfigServer) -> None:
    text = server.text(NIGHT)
    await server.publish(NIGHT, "title: 夜间值班", "title: 夜班", by="wang")
    mine = Change(kind=NIGHT, text=text.replace("title: 夜间值班", "title: 晚班"), base=1)
    with pytest.raises(EditionConflict) as conflict:
        await server.keeper.publish([mine], author="li", reason="也要改")
    assert (conflict.value.newest.author, conflict.value.newest.number) == ("wang", 2)
    assert title(server) == "夜班"


@pytest.mark.parametrize("reason", ["", " ", "x", "字" * 201])
async def test_nothing_is_published_without_a_reason(server: ConfigServer, reason: str) -> None:
    with pytest.raises(EditionRefused) as refused:
        await server.publish(NIGHT, "title: 夜间值班", "title: 夜班", reason=reason)
    assert refused.value.field == "reason"


async def test_going_back_publishes_the_older_text_as_a_new_edition(server: ConfigServer) -> None:
    await server.publish(NIGHT, "title: 夜间值班", "title: 夜班")
    back = await server.keeper.back(NIGHT, 1, author="wang", reason="改错了")
    assert (back.number, back.origin) == (3, Origin.BACK)
    assert title(server) == "夜间值班"


async def test_another_server_takes_up_what_was_published_and_its_own_files_count_no_more(
    server: ConfigServer, engine: AsyncEngine, tmp_path: Path
) -> None:
    other = ConfigServer(engine, own_files(tmp_path / "other files"), tmp_path / "two")
    await server.publish(NIGHT, "title: 夜间值班", "title: 夜班")
    await server.publish("policy", "place_every_s: 5", "place_every_s: 8")
    await server.publish("directory", "title: 公安报警", "title: 报警")
    await other.looks()
    assert title(other) == "夜班"
    assert other.used[-1].place_every_s == 8
    assert next(entry.title for entry in other.directory.current) == "报警"
    assert other.keeper.head == server.keeper.head


async def test_a_server_that_starts_without_the_database_has_the_editions_of_before(
    server: ConfigServer, engine: AsyncEngine, tmp_path: Path
) -> None:
    await server.publish(NIGHT, "title: 夜间值班", "title: 夜班")
    again = ConfigServer(engine, server.own, server.home)
    assert title(again) == "夜班"
    assert again.keeper.managed


async def test_a_file_edited_on_a_server_becomes_an_edition_for_all(
    server: ConfigServer, engine: AsyncEngine, tmp_path: Path
) -> None:
    other = ConfigServer(engine, own_files(tmp_path / "other files"), tmp_path / "two")
    await server.publish(NIGHT, "title: 夜间值班", "title: 夜班")
    await other.looks()
    other.edit("flow:citizen_line", "wait_s: 1.0", "wait_s: 2.0")
    await other.looks()
    await server.looks()
    newest = (await server.keeper.store.newest())["flow:citizen_line"]
    assert (newest.origin, newest.author, newest.number) == (Origin.FILE, "system", 2)
    assert "two" in newest.reason
    assert title(server) == title(other) == "夜班"


async def test_a_file_edited_while_its_server_was_down_is_taken_up_at_the_next_start(
    server: ConfigServer, engine: AsyncEngine
) -> None:
    await server.publish(NIGHT, "title: 夜间值班", "title: 夜班")
    server.edit("policy", "place_every_s: 5", "place_every_s: 9")
    again = ConfigServer(engine, server.own, server.home)
    await again.looks()
    assert again.used[-1].place_every_s == 9


async def test_a_wrongly_edited_file_is_no_edition_and_is_told_of(server: ConfigServer) -> None:
    await server.publish(NIGHT, "title: 夜间值班", "title: 夜班")
    head = await server.keeper.store.head()
    server.edit("flow:citizen_line", "wait_s: 1.0", "wait_s: never")
    await server.looks()
    assert server.keeper.problems[0].file == "flows/citizen_line.yaml"
    assert await server.keeper.store.head() == head
    server.edit("flow:citizen_line", "wait_s: never", "wait_s: 1.0")
    await server.looks()
    assert server.keeper.problems == ()


async def test_a_newer_program_does_not_overrule_what_people_published(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    server = ConfigServer(
        engine, own_files(tmp_path / "files"), tmp_path / "one", shipped=frozenset({NIGHT, "policy"})
    )
    await server.publish(NIGHT, "title: 夜间值班", "title: 夜班")
    server.edit(NIGHT, "title: 夜间值班", "title: 值夜")
    server.edit("policy", "place_every_s: 5", "place_every_s: 9")
    await server.looks()
    assert title(server) == "夜班"
    assert server.used[-1].place_every_s == 9  # nobody had published a policy of their own


async def test_a_flow_is_added_and_taken_away(server: ConfigServer) -> None:
    text = server.text("flow:rating").replace("flow: rating", "flow: rating_two", 1)
    new = Change(kind="flow:rating_two", text=text, base=0)
    await server.keeper.publish([new], author="wang", reason="试一试")
    assert server.reload.flows.flows.named("rating_two")
    gone = Change(kind="flow:rating_two", text="", base=1, removed=True)
    await server.keeper.publish([gone], author="wang", reason="不用了")
    assert server.reload.flows.flows.named("rating_two") is None
    await server.keeper.back("flow:rating_two", 1, author="wang", reason="还是要")
    assert server.reload.flows.flows.named("rating_two")


async def test_a_published_recording_is_played_by_every_server_and_can_be_taken_back(
    server: ConfigServer, engine: AsyncEngine, tmp_path: Path
) -> None:
    other = ConfigServer(engine, own_files(tmp_path / "other files"), tmp_path / "two")
    shipped = (server.sounds / "greeting.wav").read_bytes()
    mine = shipped[:-2000] + bytes(2000)
    change = Change(kind="prompt:greeting", text="text: 您好，这里是12345。\n", base=0, audio=mine)
    edition = (await server.keeper.publish([change], author="wang", reason="换真人录音"))[0]
    await other.looks()
    assert (edition.number, edition.audio) == (2, True)
    for one in (server, other):
        assert (one.sounds / "greeting.wav").read_bytes() == mine
    await server.keeper.back("prompt:greeting", 1, author="wang", reason="换回来")
    assert (server.sounds / "greeting.wav").read_bytes() == shipped


async def test_everybody_has_a_draft_of_their_own(server: ConfigServer) -> None:
    store = server.keeper.store
    await store.save_draft(NIGHT, "wang", "甲", 1)
    await store.save_draft(NIGHT, "li", "乙", 1)
    await store.save_draft(NIGHT, "wang", "丙", 1)
    assert [draft.text for draft in await store.drafts("wang")] == ["丙"]
    await store.drop_draft(NIGHT, "wang")
    assert await store.drafts("wang") == ()
    assert [draft.text for draft in await store.drafts("li")] == ["乙"]


async def test_time_limits_are_published_in_force_everywhere_and_put_back(
    server: ConfigServer, engine: AsyncEngine, tmp_path: Path
) -> None:
    other = ConfigServer(engine, own_files(tmp_path / "others"), tmp_path / "two")
    policy = other.cases.policy
    await server.publish("clocks", "title: 一般诉求", "title: 普通诉求", reason="改名")
    await other.keeper.look()
    assert [one.policy.rules.keeper.rules.rules[0].title for one in (server.cases, other.cases)] == [
        "普通诉求"
    ] * 2
    assert other.cases.policy is policy  # the store asks it in every transaction
    await server.keeper.back("clocks", 1, author="admin", reason="改回")
    assert server.cases.policy.rules.keeper.rules.rules[0].title == "一般诉求"
    again = ConfigServer(engine, own_files(tmp_path / "again"), tmp_path / "two")
    assert again.cases.policy.rules.keeper.rules.rules[0].title == "普通诉求"  # as it had it in force last


async def test_wrong_time_limits_are_refused_with_line_and_key(server: ConfigServer) -> None:
    with pytest.raises(SetRefused) as refused:
        await server.publish("clocks", "span: 5 workdays", "span: soon")
    (problem,) = refused.value.problems
    assert (problem.file, problem.key) == ("clocks.yaml", "rules[0].limits.resolve.span")


async def test_kinds_that_an_upgrade_added_begin_with_the_servers_file(
    server: ConfigServer, engine: AsyncEngine
) -> None:
    await server.publish(NIGHT, "title: 夜间值班", "title: 夜班")
    async with engine.begin() as connection:  # as an older version left it
        await connection.execute(delete(editions).where(editions.c.kind.in_(list(CASES))))
    documents, _, _ = await server.keeper.in_force()
    assert documents["clocks"] == server.text("clocks")
    edition = await server.publish("clocks", "title: 一般诉求", "title: 普通诉求")
    assert (edition.number, edition.base) == (2, 1)
    first = await server.keeper.store.one("clocks", 1)
    assert first.text == server.text("clocks")
