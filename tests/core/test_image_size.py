"""What image files say of themselves, compared with a decoder's view of them."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from llmdesk.core.image_size import image_facts

FORMS = ("PNG", "JPEG", "GIF", "WebP", "BMP")


def encoded(form: str, size: tuple[int, int], **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, form.upper(), **options)
    return out.getvalue()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(1, 1), (7, 300), (640, 480)])
def test_form_and_size_are_those_a_decoder_sees(form: str, size: tuple[int, int]) -> None:
    assert image_facts(encoded(form, size)) == (form, size)


@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"exif": b"Exif\0\0II*\0\x08" + bytes(5)}], ids=["VP8L", "VP8X"]
)
def test_every_layout_of_webp_is_read(options: dict[str, object]) -> None:
    assert image_facts(encoded("WebP", (31, 17), **options)) == ("WebP", (31, 17))


def test_a_long_comment_before_the_frame_of_a_jpeg_is_stepped_over() -> None:
    assert image_facts(encoded("JPEG", (12, 5), comment=b"\xff\xc0" * 900)).size == (12, 5)


@given(st.sampled_from(FORMS), st.integers(0, 400), st.binary(max_size=60))
def test_cut_and_garbled_files_are_only_not_measured(form: str, length: int, more: bytes) -> None:
    facts = image_facts(encoded(form, (9, 4))[:length] + more)

    assert facts.form in (*FORMS, "image")
    assert facts.size is None or (facts.size[0] > 0 and facts.size[1] > 0)


@given(st.binary(max_size=200))
def test_anything_at_all_is_read(content: bytes) -> None:
    assert image_facts(content).form in (*FORMS, "image")
