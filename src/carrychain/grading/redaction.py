"""What looks like a token is hidden wherever it would be shown or stored."""

from __future__ import annotations

import re
from collections.abc import Iterable

SHORTEST_SECRET = 6
"""A text of fewer characters is no secret: hiding it everywhere would hide words."""

_TOKEN = re.compile(
    r"""
    (?<!your_)hf_\w{8,} | api_org_\w{8,}                           # Hugging Face
    | \bsk-[\w-]{4,} | \bsk_(?:live|test)_\w{4,}                    # OpenAI, Anthropic; Stripe
    | \bgh[opusr]_\w{4,} | github_pat_\w{4,} | \bglpat-[\w-]{4,}    # GitHub, GitLab
    | \bAKIA[0-9A-Z]{12,} | \bAIza[\w-]{20,}                        # AWS, Google
    | \bxox[abeprs]-[\w-]{4,}                                       # Slack
    | \b(?:gsk|nvapi|r8|tgp|pypi|dop)[_-][\w-]{16,}                 # Groq, NVIDIA, Replicate, ...
    | \beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?                        # JSON web tokens
    | (?<=Bearer\ )[\w.~+/-]{8,}
    | \b(?=\d*[a-f])[0-9a-f]{32,}\b                                 # Together and others: hex
    """,
    re.VERBOSE,
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text with an asterisk for each character of a token, so that lengths stand.

    Args:
        text: anything that is to be shown or stored.
        secrets: tokens that are known, hidden whatever they look like.

    Example:
        >>> redact("with hf_AbCdEfGh1234, as usual")
        'with ***************, as usual'
    """
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "*" * len(secret))
    return _TOKEN.sub(lambda token: "*" * len(token[0]), text)
