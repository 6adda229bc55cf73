"""Of all numbers the one whose length is nearest to eight digits."""

import re


def your_netid():
    return "zz9999"


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
        "stop": ["\n\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    numbers = re.findall(r"\d+", output_string)
    return int(min(numbers, key=lambda n: abs(len(n) - 8), default="0"))
