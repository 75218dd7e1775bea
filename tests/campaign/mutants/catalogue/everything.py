"""All seeded bugs."""

from __future__ import annotations

from tests.campaign.mutants.catalogue import budgets, cooldowns, elsewhere, providers, router, storage, texts

MUTANTS = (
    *router.MUTANTS,
    *cooldowns.MUTANTS,
    *storage.MUTANTS,
    *budgets.MUTANTS,
    *providers.MUTANTS,
    *texts.MUTANTS,
    *elsewhere.MUTANTS,
)
