"""Files that go with a prompt: text, or an image a model can see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.views import Attachment

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 20 * 1024 * 1024
"""The largest file that is attached, bytes; larger ones no model reads."""

IMAGE_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")


def read_attachment(path: Path) -> Attachment:
    """Read a text or image file; what it is is told by its content, not its name.

    Raises:
        UsageError: it cannot be read, is too large, or is neither text nor an image.
    """
    try:
        if not path.is_file():
            raise UsageError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}.")
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: larger than {MAX_BYTES // 1024 // 1024} MiB; attach a part of it.")
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}.") from None
    return attachment(path.name, content)


def attachment(name: str, content: bytes) -> Attachment:
    """Make an attachment of bytes.

    Raises:
        UsageError: they are neither UTF-8 text nor an image.
    """
    if content.startswith(IMAGE_STARTS) or _is_webp(content) or _is_bmp(content):
        return Attachment(name=name, image=content)
    try:
        return Attachment(name=name, text=content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UsageError(f"{name}: neither UTF-8 text nor an image (PNG, JPEG, GIF, WebP, BMP).") from None


def _is_webp(content: bytes) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"


def _is_bmp(content: bytes) -> bool:
    """Two letters alone begin many a text; four reserved bytes behind the size are always zero (BITMAPFILEHEADER)."""
    return content[:2] == b"BM" and content[6:10] == bytes(4)
