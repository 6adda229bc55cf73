"""The most frequent number, as the statistics module finds it."""

import re
import statistics


def your_netid():
    return "zz9999"


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
        "stop": ["\n\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    numbers = re.findall(r"\d{7,8}", output_string)
    return int(statistics.mode(numbers)) if numbers else 0
