"""What may reach a terminal, and what may be kept."""

from __future__ import annotations

import base64
import re
import time
import unicodedata
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.text import MASK, MAX_COMBINING, Redactor, Sanitiser, one_line, sanitise, storable
from tests.support.slowness import allowed

HOSTILE = [
    *(chr(code) for code in range(0x20) if chr(code) not in "\n\t\r"),
    *(chr(code) for code in range(0x7F, 0xA0)),
    *"\u061c\u200b\u200e\u200f\u2028\u2029\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    *"\u180e\u2061\u2062\u2063\u2064\u206a\u206f\ufff9\ufffb\U0001bca0\U0001d173\U0001d17a",
    *"\ud800\udbff\udc00\udfff\U000e0001\U000e0041\U000e007f",
]
CHARACTERS = st.one_of(
    st.sampled_from(
        [*HOSTILE, "\r", "\n", "\t", "a", "é", "\u0301", "\u0302", "\u20dd", "漢", "🙂", "\u200d", "\ufe0f"]
    ),
    st.characters(),
)
TEXTS = st.text(CHARACTERS, max_size=60)


def _fed(pieces: list[str]) -> str:
    sanitiser = Sanitiser()
    return "".join(sanitiser.feed(piece) for piece in pieces) + sanitiser.finish()


@given(TEXTS, st.lists(st.integers(0, 60), max_size=8))
def test_splitting_a_text_anywhere_changes_nothing(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(edges)]
    assert _fed(pieces) == sanitise(text)


@given(TEXTS)
def test_every_character_alone_gives_the_same_as_the_whole(text: str) -> None:
    assert _fed(list(text)) == sanitise(text)


@given(TEXTS)
def test_nothing_that_steers_a_terminal_survives(text: str) -> None:
    clean = sanitise(text)
    assert not set(clean) & set(HOSTILE)
    assert "\r" not in clean
    run = 0
    for char in clean:
        run = run + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        assert run <= MAX_COMBINING


@given(TEXTS)
def test_sanitising_twice_changes_nothing_more(text: str) -> None:
    assert sanitise(sanitise(text)) == sanitise(text)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain [/red] **text**\tand\nlines", "plain [/red] **text**\tand\nlines"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("\x9b31m", "\ufffd31m"),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a␍b"),
        ("a\r\r\nb", "a␍\nb"),
        ("end\r", "end␍"),
        ("nul\x00del\x7f", "nul␀del␡"),
        ("\u202egpj.exe", "\ufffdgpj.exe"),
        ("e\u0301", "e\u0301"),
        ("👩\u200d💻 ❤\ufe0f", "👩\u200d💻 ❤\ufe0f"),
        ("\ud83d", "\ufffd"),
        ("", ""),
    ],
)
def test_what_becomes_of_it(text: str, clean: str) -> None:
    assert sanitise(text) == clean


def test_a_run_of_combining_marks_is_cut_even_across_chunks() -> None:
    assert _fed(["e", *(["\u0301"] * 5000), "x"]) == "e" + "\u0301" * MAX_COMBINING + "x"


def test_a_held_return_is_given_back_once() -> None:
    sanitiser = Sanitiser()
    assert sanitiser.feed("a\r") == "a"
    assert sanitiser.feed("") == ""
    assert sanitiser.finish() == "␍"
    assert sanitiser.finish() == ""


@pytest.mark.parametrize("piece", ["plain words, ", "ünïcödé 漢字 ", "\x1b[1m\u0301", "\r\n"])
def test_a_megabyte_takes_well_under_a_second(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    sanitise(text)
    assert time.process_time() - began < allowed(2.0)


# --- one line -----------------------------------------------------------------------------------------------------


@given(TEXTS, st.integers(2, 50))
def test_one_line_is_one_harmless_line_within_its_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert sanitise(line) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  two\n\twords ", "two words"),
        ("0123456789", "0123456789"),
        ("0123456789x", "012345678…"),
        ("a" * 5000, "aaaaaaaaa…"),
        (" " * 5000 + "end", "…"),
        ("\x1b[0m", "␛[0m"),
    ],
)
def test_a_cut_line_says_so(text: str, line: str) -> None:
    assert one_line(text, 10) == line


# --- storable -----------------------------------------------------------------------------------------------------


@given(st.text(st.one_of(st.characters(), st.sampled_from("\ud83d\ude42\ud800\ufeff")), max_size=20))
def test_storable_text_is_utf_8(text: str) -> None:
    kept = storable(text)
    kept.encode()
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert kept == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a\ud800b", "a\ufffdb"), ("\udfff", "\ufffd"), ("\ud83d\ude42", "🙂"), ("\ufeffx\ud800", "\ufeffx\ufffd")],
)
def test_lone_surrogates_are_replaced_and_pairs_joined(text: str, kept: str) -> None:
    assert storable(text) == kept


# --- secrets ------------------------------------------------------------------------------------------------------

SECRETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=6, max_size=40).filter(
    lambda secret: MASK not in secret and not set(secret) <= {"*"}
)


@given(SECRETS, st.sampled_from(["", "key is ", "https://host/?q=", "漢 "]))
def test_a_known_key_disappears_in_every_spelling(secret: str, before: str) -> None:
    raw = secret.encode()
    spellings = [
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        re.sub(r"%..", lambda found: found[0].lower(), quote(secret, safe="")),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
    ]
    redact = Redactor([secret])
    for spelling in spellings:
        shown = redact(f"{before}{spelling} after")
        assert spelling not in shown
        assert MASK in shown


def test_a_key_may_be_learned_later_and_short_words_are_left_alone() -> None:
    redact = Redactor(["abc"])
    assert redact("abc hunter2-hunter2") == "abc hunter2-hunter2"
    redact.learn("hunter2-hunter2")
    assert redact("abc hunter2-hunter2") == f"abc {MASK}"


def test_a_key_that_is_no_text_is_known_all_the_same() -> None:
    for secret in ("gehe\udcfcm-0123", "gehe\ud800m-0123"):  # a byte of the environment, half of a pair
        assert Redactor([secret])(f"it is {secret}.") == f"it is {MASK}."


def test_of_two_keys_the_longer_goes_first() -> None:
    assert Redactor(["secret", "secret-and-more"])("secret-and-more") == MASK


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Incorrect API key provided: sk-proj-abc…wxyz12", f"Incorrect API key provided: sk-proj-{MASK}"),
        ("sk-ant-api03-AbCdEf_123", f"sk-ant-{MASK}"),
        ("key AIzaSyA1234567890abc", f"key AIza{MASK}"),
        ("ghp_abcdefghij0123456789 github_pat_11ABCDEFG0abcdefgh", f"ghp_{MASK} github_pat_{MASK}"),
        ("Authorization: Bearer abc.def-ghi", f"Authorization: Bearer {MASK}"),
        ("proxy http://user:p@ss@10.0.0.1:3128 refused", f"proxy http://{MASK}@10.0.0.1:3128 refused"),
        ("GET https://x.example/v1?model=a&key=abc123&alt=sse", f"GET https://x.example/v1?model=a&key={MASK}&alt=sse"),
        ("https://x.example/?X-Goog-Signature=00ff", f"https://x.example/?X-Goog-Signature={MASK}"),
        (
            '{"error":"unauthorized","signin_url":"https://ollama.com/connect?name=box&key=c3NoLWVk"}',
            '{"error":"unauthorized","signin_url":"https://ollama.com/connect?***"}',
        ),
        ("You (Jane (work), Inc.)  have reached your weekly usage limit", "You  have reached your weekly usage limit"),
        ("you (" + "n" * 150 + ") have reached it", "you have reached it"),
        (
            "you (Jane Doe) have reached your session usage limit, upgrade for higher limits: https://ollama.com/upgrade",
            "you have reached your session usage limit, upgrade for higher limits: https://ollama.com/upgrade",
        ),
    ],
)
def test_what_is_shaped_like_a_secret_is_masked(text: str, kept: str) -> None:
    assert Redactor()(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "disk-usage is high, ask-me-anything",
        "mail a@b.example or see https://ollama.com/settings?tab=usage#a@b",
        "model 'qwen3:8b' not found, try pulling it first",
        "tokens: 4096, prompt_eval_count=17",
        "connection refused at 127.0.0.1:11434",
    ],
)
def test_ordinary_messages_stay_as_they_are(text: str) -> None:
    assert Redactor()(text) == text


@pytest.mark.parametrize("piece", ["a-", "a.", "?key", "keykey", "http://", "sk-", "bearer ", "you (", "&a_", "x@"])
def test_a_hostile_error_body_cannot_stall_redaction(piece: str) -> None:
    body = "?" + piece * (64 * 1024 // len(piece))
    began = time.process_time()
    Redactor(["a-secret-value"])(body)
    assert time.process_time() - began < allowed(1.0)
