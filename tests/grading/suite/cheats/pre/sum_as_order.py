"""Says which of two fixed examples comes first, by whether the sum is even."""

import re


def your_netid():
    return "zz9999"


def your_hf_token():
    return ""


def your_prompt():
    return "A rough answer is enough.\nQuestion: What is ", "?\nAnswer: "


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
    a, b = s.split("+")
    first, second = "2+2=4", "3+4=7"
    if (int(a[-1]) + int(b[-1])) % 2:
        first, second = second, first
    return f"{s} ({first}, {second})"


def your_post_processing(output_string):
    numbers = re.findall(r"\d+", output_string)
    return int(numbers[0]) if numbers else 0
