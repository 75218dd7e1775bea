"""The script the simulated cloud plays."""

from __future__ import annotations

import pytest

from llmdesk.demo.scene import Beat, Scene


def _play(scene: Scene, *prompts: str) -> list[Beat]:
    return [scene.next_beat(prompt) for prompt in prompts]


def test_the_cloud_answers_then_limits_once_then_recovers_for_good() -> None:
    beats = _play(Scene(), *["hello"] * 6)
    assert beats == [Beat.ANSWER, Beat.LIMIT, *[Beat.ANSWER] * 4]


def test_demo_again_starts_the_script_anew() -> None:
    beats = _play(Scene(), "a", "b", "c", "Demo again, please", "e", "f")
    assert beats == [Beat.ANSWER, Beat.LIMIT, Beat.ANSWER, Beat.ANSWER, Beat.LIMIT, Beat.ANSWER]


@pytest.mark.parametrize(
    ("prompt", "beat"),
    [
        ("hit the limit", Beat.LIMIT),
        ("429", Beat.LIMIT),
        ("OVERLOAD it", Beat.OVERLOAD),
        ("a 503 please", Beat.OVERLOAD),
        ("cut this answer", Beat.CUT),
        ("an execution unlimited by shortcuts", Beat.ANSWER),
    ],
)
def test_words_provoke_a_beat_at_any_time(prompt: str, beat: Beat) -> None:
    assert _play(Scene(limit_once=False), "hello", "hello", prompt) == [Beat.ANSWER, Beat.ANSWER, beat]


def test_provoked_beats_leave_the_script_where_it_was() -> None:
    beats = _play(Scene(), "overload", "overload", "overload", "hello", "cut", "hello", "hello")
    assert beats == [*[Beat.OVERLOAD] * 3, Beat.ANSWER, Beat.CUT, Beat.LIMIT, Beat.ANSWER]
