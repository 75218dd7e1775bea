"""Prompts, files and history as the messages that are sent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.prompting import ANSWERED, context_messages, user_message
from llmdesk.core.types import Message, Role
from llmdesk.core.views import Attachment, StoredMessage

COMPLETENESS = ("full", "cut by limit", "no answer text", "interrupted", "refused")


def asked(number: int, text: str = "") -> StoredMessage:
    return StoredMessage(
        id=number * 2, role=Role.USER, content=text or f"q{number}", created_at=0.0, request=f"r{number}"
    )


def answered(number: int, completeness: str = "full", text: str = "") -> StoredMessage:
    return StoredMessage(
        id=number * 2 + 1, role=Role.ASSISTANT, content=text or f"a{number}", created_at=0.0, request=f"r{number}",
        thinking="never shown again", completeness=completeness,  # type: ignore[arg-type]
    )  # fmt: skip


def test_text_files_follow_the_prompt_under_their_names_and_images_ride_along() -> None:
    files = [
        Attachment(name="a.py", text="print(1)"),
        Attachment(name="b.png", image=b"\x89PNG"),
        Attachment(name="empty.txt", text=""),
    ]
    message = user_message("Look:", files)
    assert message.role is Role.USER
    assert message.content == ('Look:\n\n<file name="a.py">\nprint(1)\n</file>\n\n<file name="empty.txt">\n\n</file>')
    assert message.images == (b"\x89PNG",)


def test_an_image_alone_has_no_text() -> None:
    assert user_message("", [Attachment(name="b.png", image=b"x")]) == Message(
        role=Role.USER, content="", images=(b"x",)
    )


@given(st.text(), st.text(), st.text())
def test_whatever_is_typed_or_attached_can_be_encoded(prompt: str, name: str, text: str) -> None:
    user_message(prompt + "\ud800", [Attachment(name=name + "\udcff", text=text + "\udfff")]).content.encode()


@given(st.lists(st.sampled_from([*COMPLETENESS, None]), max_size=8))
def test_only_whole_answered_turns_are_sent_again_and_all_of_those(marks: list[str | None]) -> None:
    stored = []
    for number, mark in enumerate(marks):
        stored.append(asked(number))
        if mark is not None:
            stored.append(answered(number, mark))
    sent = context_messages(stored)
    wanted = [number for number, mark in enumerate(marks) if mark in ANSWERED]
    assert [m.content for m in sent] == [text for n in wanted for text in (f"q{n}", f"a{n}")]
    assert [m.role for m in sent] == [Role.USER, Role.ASSISTANT] * len(wanted)
    assert all(not m.thinking for m in sent)


def test_a_late_answer_is_sent_behind_its_question() -> None:
    stored = [asked(1), answered(1), asked(2), asked(3), answered(3), answered(2)]
    assert [m.content for m in context_messages(stored)] == ["q1", "a1", "q2", "a2", "q3", "a3"]


def test_a_retry_sees_nothing_of_its_own_turn_or_after() -> None:
    stored = [asked(1), answered(1), asked(2), answered(2, "interrupted"), asked(3), answered(3)]
    assert [m.content for m in context_messages(stored, before_request="r2")] == ["q1", "a1"]
    assert [m.content for m in context_messages(stored, before_request="unknown")] == ["q1", "a1", "q3", "a3"]
