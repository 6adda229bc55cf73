"""The last line that has a number in it."""

import re


def your_netid():
    return "zz9999"


def your_hf_token():
    return ""


def your_prompt():
    return "Repeat the question before you answer.\nQuestion: What is ", "?\nAnswer: "


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
    lines = [line for line in output_string.splitlines() if re.search(r"\d", line)]
    return int(re.sub(r"\D", "", lines[-1].rpartition("=")[2])) if lines else 0
