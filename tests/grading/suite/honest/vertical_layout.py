"""One number below the other, with a rule under them, as long as the longer one."""

import re


def your_netid():
    return "cf6"


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
    a, b = s.split("+")
    width = max(len(a), len(b)) + 2
    lines = [a.rjust(width), "+ " + b.rjust(width - 2), "-" * width]
    return s + "\n" + "\n".join(lines) + "\n" + s


def your_post_processing(output_string):
    found = re.search(r"\d+", output_string)
    return int(found[0]) if found else 0
