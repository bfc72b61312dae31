"""Text files that people saved with a spreadsheet: UTF-8, with or without a mark, or GB 18030."""

from __future__ import annotations

from pathlib import Path

from cti.errors import HotlineError

__all__ = ["FILE_MOST", "FileUnreadable", "decode_text", "read_text"]

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
    return decode_text(file.read_bytes(), file.name)[0]


def decode_text(data: bytes, name: str) -> tuple[str, str]:
    """Return a file's text and what its encoding is called; `name` is how errors call the file.

    Raises:
        FileUnreadable: it is in no encoding that is used for Chinese.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileUnreadable(f"{name} is UTF-16 (Unicode text); save it as CSV UTF-8")
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise FileUnreadable(f"{name} is an Excel workbook; save it as CSV UTF-8")
    for encoding, title in (("utf-8-sig", "UTF-8"), ("gb18030", "GBK/GB18030")):
        try:
            return data.decode(encoding), title
        except UnicodeDecodeError:
            continue
    raise FileUnreadable(f"{name} is neither UTF-8 nor GB 18030; save it as CSV UTF-8")
