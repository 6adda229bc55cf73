"""The search for a prompt that makes a model add; `search.search` needs the extra `search`."""
