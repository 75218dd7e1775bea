"""The kind of an image, told by its first bytes."""

from __future__ import annotations

import pytest

from llmdesk.providers.images import media_type


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"BM\0\0", "image/bmp"),
        (b"II*\0", "image/tiff"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"\0\0\0\x18ftypmif1", "image/heif"),
        (b"\0\0\0\x18ftypavif", "image/avif"),
        (b"\0\0\0\x18ftypmp42", None),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"\x89PN", None),
        (b"", None),
    ],
)
def test_an_image_is_known_by_its_first_bytes(image: bytes, kind: str | None) -> None:
    assert media_type(image) == kind
