"""A prompt, a net id and a problem that clear the terminal, rename it and colour what follows."""

import re


def your_netid():
    return "\x1b[2J\x1b]0;mischief\x07\x1b[8mzz9999\r\n\x9b31m"


def your_hf_token():
    return ""


def your_prompt():
    return "\x1b[2J\x1b]0;mischief\x07A rough answer is enough.\nQuestion: What is ", "?\x1b[31m\nAnswer: "


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
    return "\x1b[1A" + s


def your_post_processing(output_string):
    numbers = re.findall(r"\d+", output_string)
    return int(numbers[0]) if numbers else 0
