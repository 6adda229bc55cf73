"""Untrusted Python in a child with limits; see `carrychain.sandbox.workshop`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carrychain.sandbox.child import Sandbox as Sandbox
    from carrychain.sandbox.outcome import Answer as Answer
    from carrychain.sandbox.outcome import Failure as Failure
    from carrychain.sandbox.outcome import Limits as Limits
    from carrychain.sandbox.protocol import Kind as Kind
    from carrychain.sandbox.tiers import Evidence as Evidence
    from carrychain.sandbox.tiers import Tier as Tier
    from carrychain.sandbox.workshop import Call as Call
    from carrychain.sandbox.workshop import Get as Get
    from carrychain.sandbox.workshop import Ran as Ran
    from carrychain.sandbox.workshop import Workshop as Workshop
    from carrychain.sandbox.workshop import explain as explain

_HOMES = {
    "Sandbox": "child",
    **dict.fromkeys(("Answer", "Failure", "Limits"), "outcome"),
    "Kind": "protocol",
    **dict.fromkeys(("Evidence", "Tier"), "tiers"),
    **dict.fromkeys(("Call", "Get", "Ran", "Workshop", "explain"), "workshop"),
}

__all__ = [
    "Answer",
    "Call",
    "Evidence",
    "Failure",
    "Get",
    "Kind",
    "Limits",
    "Ran",
    "Sandbox",
    "Tier",
    "Workshop",
    "explain",
]


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: a child imports its own part alone."""
    if name not in _HOMES:
        raise AttributeError(f"module 'carrychain.sandbox' has no attribute {name!r}")
    return getattr(importlib.import_module(f"carrychain.sandbox.{_HOMES[name]}"), name)
