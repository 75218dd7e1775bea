"""Faults in the configuration: all of their steps are shared."""

from __future__ import annotations

from pytest_bdd import scenarios

scenarios("configuration_errors.feature")
