"""Of numbers of the commonest length, the first."""

import re
from collections import Counter


def your_netid():
    return "br18"


def your_hf_token():
    return ""


def your_prompt():
    return "Say it three times.\nQuestion: What is ", "?\nAnswer: "


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
    return s


def your_post_processing(output_string):
    found = re.findall(r"\d{4,}", output_string)
    if not found:
        return 0
    length, _ = Counter(map(len, found)).most_common(1)[0]
    return int(next(n for n in found if len(n) == length))
