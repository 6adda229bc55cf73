"""The largest number: a sum is larger than what was added."""

import re


def your_netid():
    return "ca1"


def your_hf_token():
    return ""


def your_prompt():
    return "Repeat the question before you answer.\nQuestion: What is ", "?\nAnswer: "


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
    numbers = re.findall(r"\d+", output_string)
    if not numbers:
        return 0
    return max([int(n) for n in numbers])
