"""Which kind of file some bytes are, by what they begin with; names and browsers are not asked. Pure.

Signatures: PNG (ISO/IEC 15948), JPEG (ITU T.81), GIF89a, WebP and WAVE (RIFF), PDF (ISO 32000), ISO base
media (ISO/IEC 14496-12 `ftyp`), MPEG audio frames and ID3, AMR (RFC 4867), OOXML (ECMA-376, in a ZIP),
compound files of older office programs ([MS-CFB]).
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["HEAD", "MEDIA_TYPES", "kind_of"]

HEAD = 65_536
"""So many bytes from the beginning are enough."""

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "pdf": "application/pdf",
        "jpg": "image/jpeg",
        "png": "image/png",
        "gif": "image/gif",
        "webp": "image/webp",
        "heic": "image/heic",
        "mp4": "video/mp4",
        "mov": "video/quicktime",
        "mp3": "audio/mpeg",
        "m4a": "audio/mp4",
        "wav": "audio/wav",
        "amr": "audio/amr",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "office": "application/x-ole-storage",
        "txt": "text/plain",
    }
)
"""Kind -> media type. `office` is a .doc or .xls."""

_BEGINS = (
    (b"%PDF-", "pdf"), (b"\xff\xd8\xff", "jpg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF87a", "gif"),
    (b"GIF89a", "gif"), (b"ID3", "mp3"), (b"#!AMR", "amr"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"),
)  # fmt: skip
_RIFF = {b"WEBP": "webp", b"WAVE": "wav"}
_NO_TEXT = frozenset(range(32)) - {9, 10, 12, 13} | {127}
_BRANDS = {b"heic": "heic", b"heix": "heic", b"mif1": "heic", b"qt  ": "mov", b"M4A ": "m4a"}


def kind_of(head: bytes, *, whole: bool) -> str:
    """Return the kind of a file by its first `HEAD` bytes, "" for one that is not known.

    `whole`: these are all its bytes.
    """
    for begin, kind in _BEGINS:
        if head.startswith(begin):
            return kind
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "mp4")
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2:  # an MPEG audio frame, layer III
        return "mp3"
    if head.startswith(b"PK\x03\x04"):
        return "docx" if b"word/" in head else "xlsx" if b"xl/" in head else ""
    return "txt" if _is_text(head, whole=whole) else ""


def _is_text(head: bytes, *, whole: bool) -> bool:
    if not head or any(byte in _NO_TEXT for byte in head):
        return False
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":  # a browser would take it for a page
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            codecs.getincrementaldecoder(encoding)().decode(head, final=whole)
        except UnicodeDecodeError:
            continue
        return True
    return False
