"""int(float(...)), because of a stray point."""

import re


def your_netid():
    return "bn14"


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
    return s


def your_post_processing(output_string):
    match = re.search(r"\d+(?:\.\d+)?", output_string)
    if match:
        return int(float(match.group(0)))
    return 0
