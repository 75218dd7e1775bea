"""What an image file says of itself in its first bytes: its form and its size, without decoding anything.

Sources: PNG (W3C, 11.2.2), GIF89a (18), JPEG (ITU T.81, B.2.2), BMP (BITMAPINFOHEADER), WebP (RFC 9649, 2.5 to 2.7).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Pixels = tuple[int, int]


class ImageFacts(NamedTuple):
    """``form`` is the file's kind (PNG …); ``size`` is width and height in pixels, ``None`` where it is not told."""

    form: str
    size: Pixels | None


def image_facts(content: bytes) -> ImageFacts:
    """Read what the beginning of an image file tells; never raises."""
    match content:
        case _ if content.startswith(b"\x89PNG\r\n\x1a\n"):
            return ImageFacts("PNG", _whole(content[16:20], content[20:24], "big"))
        case _ if content.startswith((b"GIF87a", b"GIF89a")):
            return ImageFacts("GIF", _whole(content[6:8], content[8:10], "little"))
        case _ if content.startswith(b"\xff\xd8\xff"):
            return ImageFacts("JPEG", _jpeg(content))
        case _ if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return ImageFacts("WebP", _webp(content[12:16], content[16:34]))
        case _ if content.startswith(b"BM"):
            height = abs(int.from_bytes(content[22:26], "little", signed=True))
            return ImageFacts("BMP", _positive(int.from_bytes(content[18:22], "little"), height))
        case _:
            return ImageFacts("image", None)


def _whole(width: bytes, height: bytes, order: Literal["big", "little"]) -> Pixels | None:
    return _positive(int.from_bytes(width, order), int.from_bytes(height, order))


def _positive(width: int, height: int) -> Pixels | None:
    return (width, height) if width > 0 and height > 0 else None


def _jpeg(content: bytes) -> Pixels | None:
    """Go from marker to marker until the frame header (SOF), which holds the size."""
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        kind = content[at + 1]
        if kind == 0xFF:  # fill byte
            at += 1
        elif 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            return _whole(content[at + 7 : at + 9], content[at + 5 : at + 7], "big")
        elif kind == 0x01 or 0xD0 <= kind <= 0xD8:
            at += 2
        else:
            at += 2 + max(int.from_bytes(content[at + 2 : at + 4], "big"), 2)
    return None


def _webp(kind: bytes, head: bytes) -> Pixels | None:
    match kind:
        case b"VP8X" if len(head) >= 14:
            return int.from_bytes(head[8:11], "little") + 1, int.from_bytes(head[11:14], "little") + 1
        case b"VP8L" if len(head) >= 9:
            bits = int.from_bytes(head[5:9], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 " if len(head) >= 14:
            return _positive(
                int.from_bytes(head[10:12], "little") & 0x3FFF, int.from_bytes(head[12:14], "little") & 0x3FFF
            )
        case _:
            return None
