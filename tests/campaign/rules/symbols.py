"""The alphabet as the judge reads it."""

from __future__ import annotations

from functools import cache

from tests.campaign.rules.meanings import PLAIN, Meaning


@cache
def meaning_of(symbol: str) -> Meaning:
    """What a symbol of the campaign's alphabet stands for; one that is not in it has nothing to add to its class."""
    from tests.campaign.alphabet import SYMBOLS

    found = SYMBOLS.get(symbol)
    if found is None:
        return PLAIN
    scene = found.scene
    return Meaning(
        hint_s=scene.hint_s,
        open_ended=scene.kind is not None and scene.kind.value == "quota" and found.wire != "ollama",
        retries=scene.retries,
        smaller_model=scene.smaller_model,
        target_specific=scene.target_specific,
        model_only=scene.scope == "model",
    )
