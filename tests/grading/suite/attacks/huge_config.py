"""Parameters beyond all bounds, a million stop strings, and keys that nobody asked for."""

import re


def your_netid():
    return "zz9999"


def your_hf_token():
    return ""


def your_prompt():
    return "A rough answer is enough.\nQuestion: What is ", "?\nAnswer: "


def your_config():
    return {
        "max_tokens": 10**12,
        "temperature": float("nan"),
        "top_k": -1,
        "top_p": 1e308,
        "repetition_penalty": 0,
        "stop": [str(n) for n in range(10**6)],
        "x" * 10**6: 1,
        "\x1b[2J": 2,
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    numbers = re.findall(r"\d+", output_string)
    return int(numbers[0]) if numbers else 0
