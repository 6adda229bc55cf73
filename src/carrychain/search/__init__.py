"""The search for a prompt that makes a model add; it needs the extra `search`."""

from __future__ import annotations

from importlib.util import find_spec

from carrychain.errors import CarrychainError

if find_spec("optuna") is None:
    raise CarrychainError(
        "the search needs Optuna, which is not installed: pip install 'carrychain[search]'"
    )
