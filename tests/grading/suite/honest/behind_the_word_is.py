"""A regular expression with a look behind."""

import re


def your_netid():
    return "bh8"


def your_hf_token():
    return ""


def your_prompt():
    return "Answer in a sentence.\nQuestion: What is ", "?\nAnswer: "


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
    match = re.search(r"(?<=\bis )\d+(?=\.|$|\s)", output_string)
    return 0 if match is None else int(match[0])
