"""The model says it three times; the number that it says most often wins, the first of equals."""

import re
from collections import Counter


def your_netid():
    return "wx800"


def your_hf_token():
    return ""


def your_prompt():
    return "Say it three times.\nQuestion: What is ", "?\nAnswer: "


def your_config():
    return {
        "max_tokens": 80,
        "temperature": 0.7,
        "top_k": 50,
        "top_p": 0.6,
        "repetition_penalty": 1.0,
        "stop": ["\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    candidates = re.findall(r"\d{6,9}", output_string)
    if not candidates:
        return 0
    (winner, votes), = Counter(candidates).most_common(1)
    print("votes:", votes)
    return int(winner)
