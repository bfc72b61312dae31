"""A file is what its bytes say, whatever it is called."""

from __future__ import annotations

import pytest

from orders.file_types import MEDIA_TYPES, kind_of

ZIP = b"PK\x03\x04" + bytes(26)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7\n", "pdf"),
        (b"\x89PNG\r\n\x1a\n\0", "png"),
        (b"\xff\xd8\xff\xe0", "jpg"),
        (b"GIF89a", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "wav"),
        (b"RIFF\0\0\0\0AVI LIST", ""),
        (b"\0\0\0\x18ftypmp42", "mp4"),
        (b"\0\0\0\x18ftypheic", "heic"),
        (b"\xff\xfb\x90\x00", "mp3"),
        (ZIP + b"word/document.xml", "docx"),
        (ZIP + b"xl/workbook.xml", "xlsx"),
        (ZIP + b"evil.exe", ""),
        (b"MZ\x90\0", ""),
        (b"\x7fELF", ""),
        (b"#!/bin/sh\necho", "txt"),
        ("积水三天了😀".encode(), "txt"),
        ("积水三天了".encode("gbk"), "txt"),
        (b"\xef\xbb\xbf <svg onload=alert(1)>", ""),
        (b"<html>", ""),
        (b"", ""),
    ],
)
def test_a_kind_is_told_by_how_a_file_begins(head: bytes, kind: str) -> None:
    assert kind_of(head, whole=True) == kind


def test_a_text_may_be_cut_within_a_character() -> None:
    head = "积水".encode()[:-1]
    assert kind_of(head, whole=False) == "txt"
    assert kind_of(head, whole=True) == ""


def test_every_kind_has_a_media_type_that_no_browser_runs() -> None:
    assert not {"text/html", "image/svg+xml", "application/javascript"} & set(MEDIA_TYPES.values())
