"""The cloud and this machine: all of its steps are shared."""

from __future__ import annotations

from pytest_bdd import scenarios

scenarios("cloud_to_local.feature")
