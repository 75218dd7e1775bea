"""When a served name is the asked model, and when it is another one at another price."""

from __future__ import annotations

import pytest

from llmdesk.prices.snapshots import is_snapshot


@pytest.mark.parametrize(
    ("served", "asked"),
    [
        ("gpt-4o", "gpt-4o"),
        ("GPT-4o", "gpt-4o"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-3.5-turbo-0125", "gpt-3.5-turbo"),
        ("o1-2024-12-17", "o1"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-sonnet-4-5"),
        ("claude-3-5-haiku-20241022", "claude-3-5-haiku-latest"),
        ("mistral-large-2411", "mistral-large-latest"),
        ("mistral-large", "mistral-large-latest"),
        ("gemini-2.5-flash-001", "gemini-2.5-flash"),
        ("gemini-2.5-pro-preview-05-06", "gemini-2.5-pro-preview"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("command-r-08-2024", "command-r"),
        ("llama3:latest", "llama3"),
    ],
)
def test_the_same_model_or_an_edition_of_it(served: str, asked: str) -> None:
    assert is_snapshot(served, asked)


@pytest.mark.parametrize(
    ("served", "asked"),
    [
        ("gpt-4o-mini", "gpt-4o"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o"),
        ("gpt-4-1106-preview", "gpt-4"),
        ("claude-sonnet-4-5", "claude-sonnet-4"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4"),
        ("claude-opus-4-5", "claude-opus-4-latest"),
        ("gpt-5", "gpt-5-mini"),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-40-2024-08-06", "gpt-4"),
        ("llama-3-70b", "llama-3"),
        ("gemini-2.5-flash-lite", "gemini-2.5-flash"),
        ("somebody/gpt-4o", "gpt-4o"),
    ],
)
def test_another_model(served: str, asked: str) -> None:
    assert not is_snapshot(served, asked)
