"""A candidate written down as a submission.py that is ready to be handed in."""

from __future__ import annotations

from carrychain.engines.base import SamplingParams
from carrychain.search.recipes import post_source, pre_source
from carrychain.search.space import Candidate

_HEAD = '''"""Part 2, Q3: a prompt that {source}. Fill in who you are."""

import re


def your_netid():
    """Your net id, such as "ab1234"."""
    return ""


def your_hf_token():
    """Your token of Hugging Face, for models that ask for one."""
    return ""
'''


def submission_source(
    candidate: Candidate,
    reading: str,
    net_id: str = "",
    source: str = "`carrychain search` found",
) -> str:
    """Return the source of a submission that asks as a candidate does and reads as named.

    Args:
        candidate: prompt, pre-processing and parameters.
        reading: a name of `addition.extraction`.
        net_id: whose it is.
        source: how the file came about, after "a prompt that".
    """
    head = _HEAD.replace("{source}", source)
    head = head.replace('return ""', f"return {net_id!r}", 1) if net_id else head
    pre, post = pre_source(candidate.pre_processing), post_source(reading)
    if "re." not in pre + post:
        head = head.replace("import re\n\n\n", "", 1)
    parts = [head, _prompt_source(candidate), _config_source(candidate.sampling), pre, post]
    return "\n\n".join(part.rstrip("\n") + "\n" for part in parts)


def improved_source(own: str, candidate: Candidate, reading: str | None, pre_own: bool) -> str:
    """Return a student's file with what the search found put in place of what it had.

    What the search changed is defined once more at the end, where Python takes the last definition;
    everything else stays as the student wrote it.

    Args:
        own: the student's source.
        candidate: prompt and parameters.
        reading: a name of `addition.extraction`, or None to keep the student's own.
        pre_own: whether the student's own pre-processing stays.
    """
    parts = [
        own.rstrip("\n")
        + "\n\n\n# --- found by `carrychain search`: takes the place of the above ---",
        "import re",
        _prompt_source(candidate),
        _config_source(candidate.sampling),
    ]
    if not pre_own:
        parts.append(pre_source(candidate.pre_processing))
    if reading is not None:
        parts.append(post_source(reading))
    return "\n\n".join(part.rstrip("\n") + "\n" for part in parts)


def _prompt_source(candidate: Candidate) -> str:
    return (
        "def your_prompt():\n"
        '    """Two strings: what stands before each sum and what stands after it."""\n'
        f"    prefix = {_literal(candidate.prompt.prefix)}\n"
        f"    suffix = {_literal(candidate.prompt.suffix)}\n"
        "    return prefix, suffix\n"
    )


def _literal(text: str) -> str:
    """Write a text as Python, a line of it a line."""
    lines = text.splitlines(keepends=True)
    if len(lines) < 2:
        return repr(text)
    inner = "\n".join(f"        {line!r}" for line in lines)
    return f"(\n{inner}\n    )"


def _config_source(sampling: SamplingParams) -> str:
    values = "".join(f'        "{name}": {v!r},\n' for name, v in sampling.as_dict().items())
    return f'def your_config():\n    """How the model writes."""\n    return {{\n{values}    }}\n'
