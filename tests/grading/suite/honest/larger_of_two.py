"""The larger of two answers: a carry is more often dropped than invented."""

import re


def your_netid():
    return "zz9999"


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
        "stop": ["\n\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    numbers = [int(n) for n in re.findall(r"\d+", output_string.partition("=")[2])]
    return max(numbers[:2], default=0)
