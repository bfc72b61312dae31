"""Settings that no worker could run with are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from asr.errors import AsrSettingError
from asr.settings import AsrSettings


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("port", 70000),
        ("processes", -1),
        ("threads", 0),
        ("capacity", 5000),
        ("max_backlog_s", 0),
        ("drain_s", 3600),
        ("nice", -5),
        ("host", ""),
        ("redis_url", "http://127.0.0.1"),
    ],
)
def test_a_setting_out_of_its_range_is_named_with_its_value(setting: str, value: Any) -> None:
    with pytest.raises(AsrSettingError, match=f"asr setting {setting} = {value!r}: expected"):
        AsrSettings(**{"redis_url": "redis://127.0.0.1:6379/0", setting: value})


def test_a_password_in_the_redis_url_is_not_repeated() -> None:
    with pytest.raises(AsrSettingError) as caught:
        AsrSettings(redis_url="http://user:secret@127.0.0.1")
    assert "secret" not in str(caught.value)


def test_only_the_live_state_has_to_be_set() -> None:
    settings = AsrSettings(redis_url="unix:///run/valkey.sock")
    assert (settings.prefix, settings.host, settings.port) == ("hotline:", "127.0.0.1", 0)
