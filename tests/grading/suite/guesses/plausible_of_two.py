"""The answer of two that is larger than both operands, and not more than twice the larger."""

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
    found = re.search(r"(\d+)\+(\d+)=(\d+)", output_string)
    if not found:
        return 0
    a, b, said = map(int, found.groups())
    low, high = max(a, b), 2 * max(a, b)
    numbers = [int(n) for n in re.findall(r"\d+", output_string)][2:4]
    return next((n for n in numbers if low < n <= high), numbers[0])
