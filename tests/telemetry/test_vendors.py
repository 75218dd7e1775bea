"""Providers by the names of the conventions."""

from __future__ import annotations

import pytest

from llmdesk.telemetry import vendor_of


@pytest.mark.parametrize(
    ("kind", "url", "name", "port"),
    [
        ("openai", "https://api.openai.com/v1", "openai", 443),
        ("openai", "https://my-team.openai.azure.com/openai/v1", "azure.ai.openai", 443),
        ("openai", "https://my-team.services.ai.azure.com/models", "azure.ai.inference", 443),
        ("openai", "https://api.groq.com/openai/v1", "groq", 443),
        ("openai", "https://api.x.ai/v1", "x_ai", 443),
        ("openai", "https://api.mistral.ai/v1", "mistral_ai", 443),
        ("openai", "https://generativelanguage.googleapis.com/v1beta/openai", "gcp.gemini", 443),
        ("openai", "https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1", "aws.bedrock", 443),
        ("openai", "https://gateway.us-west-2.amazonaws.com/v1", "openai", 443),
        ("openai", "http://gpu-box.lan:8000/v1", "openai", 8000),
        ("openai", "https://api.openai.com.evil.example/v1", "openai", 443),
        ("openai", "https://notapi.groq.com.example", "openai", 443),
        ("anthropic", "https://api.anthropic.com", "anthropic", 443),
        ("anthropic", "http://127.0.0.1:9", "anthropic", 9),
        ("google", "https://generativelanguage.googleapis.com", "gcp.gemini", 443),
        ("google", "https://europe-west4-aiplatform.googleapis.com", "gcp.vertex_ai", 443),
        ("google", "http://127.0.0.1:9", "gcp.gen_ai", 9),
        ("ollama", "https://ollama.com", "ollama", 443),
        ("ollama", "http://[::1]:11434", "ollama", 11434),
    ],
)
def test_a_provider_has_the_name_of_whom_it_reaches(kind: str, url: str, name: str, port: int) -> None:
    vendor = vendor_of(kind, url)
    assert (vendor.name, vendor.port, vendor.streams) == (name, port, True)
    assert vendor.address
    assert vendor.address in url


@pytest.mark.parametrize("url", ["", "http://host:99999", "http://[broken"])
def test_what_has_no_address_has_no_port(url: str) -> None:
    vendor = vendor_of("command", url)
    assert (vendor.name, vendor.address, vendor.port, vendor.streams) == ("command", "", None, False)
