"""Voting by hand with a dictionary and counts[n] += 1."""

import re


def your_netid():
    return "bs19"


def your_hf_token():
    return ""


def your_prompt():
    return "Say it three times.\nQuestion: What is ", "?\nAnswer: "


def your_config():
    return {
        "max_tokens": 80,
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    counts = {}
    for n in re.findall(r"\d+", output_string):
        if n not in counts:
            counts[n] = 0
        counts[n] += 1
    best = None
    for n in counts:
        if best is None or counts[n] > counts[best]:
            best = n
    return int(best) if best else 0
