"""An array of all numbers, and NumPy's own integer back."""

import re

import numpy as np


def your_netid():
    return "ff21"


def your_hf_token():
    return ""


def your_prompt():
    return "Give exact answers.\nQuestion: What is ", "?\nAnswer: "


def your_config():
    return {
        "max_tokens": int(np.ceil(49.5)),
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    found = re.findall(r"\d{1,18}", output_string)
    numbers = np.array(found, dtype=np.int64)
    if numbers.size == 0:
        return np.int64(0)
    return numbers[0]
