"""Settings of all tests."""

from __future__ import annotations

import signal

from hypothesis import settings

# No timing is a test: a busy machine must not fail one.
settings.register_profile("carrychain", deadline=None)
settings.load_profile("carrychain")

# A shell that starts the tests in the background has them ignore Ctrl-C, and all that they start;
# tests that send it need what a terminal gives.
signal.signal(signal.SIGINT, signal.default_int_handler)
