"""Text files that people saved with a spreadsheet: UTF-8, with or without a mark, or GB 18030."""

from __future__ import annotations

from pathlib import Path

from cti.errors import HotlineError

__all__ = ["FILE_MOST", "FileUnreadable", "read_text"]

FILE_MOST = 64 << 20


class FileUnreadable(HotlineError):
    """The file is too big, or no text."""


def read_text(file: Path) -> str:
    """Return the file's text.

    Raises:
        FileUnreadable: it is too big, or in no encoding that is used for Chinese.
        OSError: it is not there, or may not be read.
    """
    if file.stat().st_size > FILE_MOST:
        raise FileUnreadable(f"{file.name} has more than {FILE_MOST >> 20} MB; divide it")
    data = file.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileUnreadable(f"{file.name} is neither UTF-8 nor GB 18030; save it as CSV UTF-8")
