"""The settings as people see them: where each comes from, and no secret among them."""

from __future__ import annotations

from pathlib import Path

from cti.settings import load
from cti.settings_view import SettingView, settings_view
from cti.settings_words import ABOUT


def views(tmp_path: Path, text: str, **environ: str) -> dict[str, SettingView]:
    file = tmp_path / "hotline.toml"
    file.write_text(text, encoding="utf-8")
    environ |= {"HOTLINE_HOME": str(tmp_path)}
    settings = load(file=file, environ=environ)
    return {one.key: one for one in settings_view(settings, file=file, environ=environ)}


def test_each_setting_says_where_it_comes_from(tmp_path: Path) -> None:
    seen = views(tmp_path, "[web]\nport = 9000\n", HOTLINE_AGI_PORT="4600")
    assert (seen["web.port"].value, seen["web.port"].source) == ("9000", "file")
    assert (seen["agi.port"].value, seen["agi.port"].source) == ("4600", "environment")
    assert (seen["web.host"].value, seen["web.host"].source) == ("127.0.0.1", "default")
    assert seen["home"].source == "program"


def test_passwords_in_addresses_are_not_shown(tmp_path: Path) -> None:
    addresses = (
        'database_url = "postgresql://hot:geheim@db/x?password=auch"\nredis_url = "redis://:geheim@r:1"\n'
    )
    seen = views(tmp_path, addresses)
    assert "geheim" not in repr(seen)
    assert "auch" not in repr(seen)
    assert "db/x" in seen["database_url"].value


def test_what_takes_effect_without_a_restart_is_told(tmp_path: Path) -> None:
    seen = views(tmp_path, "")
    assert seen["calls.flows"].live
    assert not seen["web.port"].live


def test_every_setting_is_told_of_in_chinese_under_a_heading(tmp_path: Path) -> None:
    seen = views(tmp_path, "").values()
    assert [one.key for one in seen if not one.about or not one.section] == []


def test_no_word_is_kept_for_a_setting_that_is_gone(tmp_path: Path) -> None:
    assert ABOUT.keys() <= views(tmp_path, "").keys()
