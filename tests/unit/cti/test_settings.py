"""Settings: file and environment together, and what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti.errors import SettingError
from cti.settings import extensions, hotline_home, load


def settings_of(folder: Path, text: str = "", **environ: str) -> object:
    (folder / "hotline.toml").write_text(text, encoding="utf-8")
    return load(environ={"HOTLINE_HOME": str(folder), **environ})


def refused(folder: Path, text: str = "", **environ: str) -> SettingError:
    with pytest.raises(SettingError) as caught:
        settings_of(folder, text, **environ)
    return caught.value


def test_without_a_file_everything_is_on_loopback(tmp_path: Path) -> None:
    settings = load(environ={"HOTLINE_HOME": str(tmp_path)})

    assert {settings.web.host, settings.agi.host, settings.asterisk.bind} == {"127.0.0.1"}
    assert settings.home == tmp_path / "main"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "hotline.toml").write_text("[web]\nport = 1000\n", encoding="utf-8")

    settings = load(environ={"HOTLINE_HOME": str(tmp_path), "HOTLINE_WEB_PORT": "2000"})

    assert settings.web.port == 2000


def test_a_list_in_the_environment_is_split_at_commas(tmp_path: Path) -> None:
    settings = load(
        environ={"HOTLINE_HOME": str(tmp_path), "HOTLINE_WEB_TRUSTED_PROXIES": "10.0.0.7, 10.0.0.8"}
    )

    assert settings.web.trusted_proxies == ("10.0.0.7", "10.0.0.8")


def test_a_relative_home_does_not_move_with_the_working_folder() -> None:
    assert hotline_home({"HOTLINE_HOME": "here"}).is_absolute()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("web = [", "hotline.toml"),
        ("[web]\nprot = 1", "web.prot"),
        ("[web]\nport = 'x'", "web.port"),
        ("[web]\nport = 70000", "web.port"),
        ("[web]\nhost = 'localhost'", "web.host"),
        ("[web]\ntrusted_proxies = ['10.0.0.0/8']", "web.trusted_proxies"),
        ("[web]\ntls_key = 'key.pem'", "web.tls_key"),
        ("[recognition]\nhost = 'everywhere'", "recognition.host"),
        ("[asterisk]\nrtp_first = 20000\nrtp_last = 10000", "asterisk.rtp_last"),
        ("[asterisk]\nembedded = false", "asterisk.nodes"),
        ("[[asterisk.nodes]]\nname = 'a'\nhost = '10.0.0.1'", "asterisk.nodes"),
        ("[[trunks]]\nname = 'u'", "trunks[0]"),
        ("[[trunks]]\nname = 'u'\nhost = '10.0.0.1'\ncolour = 'red'", "trunks[0].colour"),
        ("[agents]\nextensions = '8001-7000'", "agents.extensions"),
        ("redis_url = 'http://10.0.0.1'", "redis_url"),
        ("database_url = 'mysql://10.0.0.1/x'", "database_url"),
        ("log_level = 'loud'", "log_level"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    error = refused(tmp_path, text)

    assert error.key == key
    assert error.remedy


def test_a_misspelt_variable_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, HOTLINE_WEB_PROT="1").key == "HOTLINE_WEB_PROT"


def test_a_section_that_is_no_table_is_refused_also_when_a_variable_reaches_into_it(tmp_path: Path) -> None:
    assert refused(tmp_path, "web = 5", HOTLINE_WEB_PORT="1").key == "web"


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="does not exist"):
        load(file=tmp_path / "absent.toml", environ={"HOTLINE_HOME": str(tmp_path)})


def test_a_settings_file_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read"):
        load(file=tmp_path, environ={"HOTLINE_HOME": str(tmp_path)})


@pytest.mark.parametrize("instance", ["../other", "", "a/b", "cache", "x" * 40])
def test_an_instance_stays_inside_the_home(tmp_path: Path, instance: str) -> None:
    with pytest.raises(SettingError):
        load(instance=instance, environ={"HOTLINE_HOME": str(tmp_path)})


def test_no_password_is_quoted_from_a_url(tmp_path: Path) -> None:
    error = refused(tmp_path, "database_url = 'mysql://hotline:geheim@10.0.0.1/x'")

    assert "geheim" not in str(error)


def test_extensions_are_spelt_out() -> None:
    assert extensions("8001-8003, 0090") == ("8001", "8002", "8003", "0090")
