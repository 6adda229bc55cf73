"""The first of two answers, by a named group."""

import re

PATTERN = re.compile(r"=\s*(?P<answer>\d+)")


def your_netid():
    return "cc3"


def your_hf_token():
    return ""


def your_prompt():
    return "Give two answers.\nQuestion: What is ", "?\nAnswer: "


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
    match = PATTERN.search(output_string)
    return int(match["answer"]) if match else 0
