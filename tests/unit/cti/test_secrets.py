"""Secrets: made once, kept for their owner, never for others."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti.errors import SecretsError
from cti.secrets import Secrets


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "main" / "secrets.json"

    made = Secrets(file).get("ami.hl1")

    assert len(made) >= 24
    assert Secrets(file).get("ami.hl1") == made


def test_file_and_folder_are_for_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "main" / "secrets.json"

    Secrets(file).get("sip_key")

    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_two_processes_do_not_make_two_values(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    first, second = Secrets(file), Secrets(file)

    assert first.get("sip_key") == second.get("sip_key")


def test_every_extension_has_a_password_of_its_own(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets.json")

    assert len({secrets.sip_password(extension) for extension in ("8001", "8002", "8003")}) == 3


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text("{}", encoding="utf-8")
    file.chmod(0o640)

    with pytest.raises(SecretsError, match="chmod 600"):
        Secrets(file)


@pytest.mark.parametrize("content", [b"x", b"[]", b'{"a": 1}', b"\xff"])
def test_a_damaged_file_is_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secrets.json"
    file.write_bytes(content)
    file.chmod(0o600)

    with pytest.raises(SecretsError, match=r"secrets\.json"):
        Secrets(file)
