"""Everything is a lambda."""

import re


def your_netid():
    return "bb2"


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


your_pre_processing = lambda s: s


your_post_processing = lambda output_string: int((re.findall(r"\d+", output_string) or ["0"])[0])
