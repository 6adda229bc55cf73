"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# No timing is a test: a busy machine must not fail one.
settings.register_profile("carrychain", deadline=None)
settings.load_profile("carrychain")
