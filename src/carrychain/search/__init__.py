"""The search for a prompt that makes a model add."""
