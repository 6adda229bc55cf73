"""The exceptions of carrychain, grouped by what a caller can do about them."""


class CarrychainError(Exception):
    """Base of every error that carrychain raises on purpose; its message is for a person."""


class InvalidInput(CarrychainError, ValueError):
    """A value, a file or a flag is not what is needed: correct it and call again."""


class ModelUnavailable(CarrychainError):
    """A model cannot be used here: unknown, missing, damaged, or its requirements are absent."""


class GenerationFailed(CarrychainError):
    """An engine failed on a request; what it finished before stands."""
