"""Digits in pairs, one column a line, from the right: layout and no sums."""

import re
from itertools import zip_longest


def your_netid():
    return "qq11"


def your_hf_token():
    return ""


def your_prompt():
    return "Give exact answers.\nQuestion: What is ", "?\nAnswer: "


def your_config():
    return {
        "max_tokens": 50,
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["\n"],
    }


def your_pre_processing(s):
    a, b = s.split("+")
    pairs = zip_longest(reversed(a), reversed(b), fillvalue="0")
    columns = " ".join(f"{x},{y}" for x, y in pairs)
    return f"{columns}, in columns: {s}"


def your_post_processing(output_string):
    found = re.match(r"\d+", output_string.lstrip())
    return int(found[0]) if found else 0
