"""Secrets of one instance: made on the first run, kept in a file that only its owner may read."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets as random
import stat
from pathlib import Path

from cti.errors import SecretsError


class Secrets:
    """Named secrets; a name that was never asked for before gets a random value that is kept.

    Operators may write values of their own into the file (a trunk's password), one JSON object of
    strings. Raises SecretsError when the file is damaged or others may read it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._values = self._read()

    def get(self, name: str) -> str:
        """Return the secret of this name, making and keeping a random one where none exists."""
        if name not in self._values:
            self._values = self._read()  # another process may have made it meanwhile
        if name not in self._values:
            self._values[name] = random.token_urlsafe(24)
            self._write()
        return self._values[name]

    def has(self, name: str) -> bool:
        """Whether a value of this name exists already."""
        return name in self._values

    def sip_password(self, extension: str) -> str:
        """Password of one telephone extension, derived from one key so that 1,700 need no list."""
        key = self.get("sip_key").encode()
        return hmac.new(key, f"sip:{extension}".encode(), hashlib.sha256).hexdigest()[:32]

    def _read(self) -> dict[str, str]:
        try:
            with self._file.open(encoding="utf-8") as stream:
                mode = os.fstat(stream.fileno()).st_mode
                text = stream.read(1_000_000)
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise SecretsError(f"{self._file} cannot be read: {error}") from None
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SecretsError(f"{self._file} can be read by others: run chmod 600 on it")
        try:
            values = json.loads(text)
        except ValueError:
            raise SecretsError(f"{self._file} is not JSON: restore it from a backup") from None
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise SecretsError(f"{self._file} must be one JSON object of strings")
        return values

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._file.with_suffix(f".{os.getpid()}.new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(self._values, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self._file)
