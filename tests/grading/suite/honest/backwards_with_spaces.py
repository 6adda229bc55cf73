"""Reversed and spaced at once."""

import re


def your_netid():
    return "qr77"


def your_hf_token():
    return ""


def your_prompt():
    examples = (
        "Write the digits backwards with spaces.\n"
        "Question: What is 7 6 5 4 3 2 1 + 7 6 5 4 3 2 1?\nAnswer: 4 3 1 9 6 4 2\n"
        "Question: What is "
    )
    return examples, "?\nAnswer: "


def your_config():
    return {
        "max_tokens": 64,
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["\n"],
    }


def your_pre_processing(s):
    a, b = s.split("+")
    return " ".join(reversed(a)) + " + " + " ".join(reversed(b))


def your_post_processing(output_string):
    found = re.search(r"\d( \d)*", output_string)
    if found:
        return int("".join(found.group().split(" ")[::-1]))
    return 0
