"""Reading the small tables of words that the text rules use."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from asr.errors import AsrError

MAX_TABLE = 1_000_000
"""Bytes."""

T = TypeVar("T")


class TextTableError(AsrError):
    """A table of words is not as it should be; the text names the file and what is wrong."""


def read_table(path: Path, kind: type[T]) -> T:
    """Return the table in a YAML file.

    Raises:
        TextTableError: the file cannot be read, is too large or not of this kind.
    """
    try:
        if (size := path.stat().st_size) > MAX_TABLE:
            raise TextTableError(f"{path}: {size} bytes, at most {MAX_TABLE}; shorten it")
        return msgspec.convert(yaml.safe_load(path.read_text("utf-8")), kind)
    except OSError as error:
        raise TextTableError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise TextTableError(f"{path}: {error}; mend the table") from error
