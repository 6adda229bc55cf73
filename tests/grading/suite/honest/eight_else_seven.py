"""Eight digits if there are eight, else seven, else whatever there is, else nothing."""

import re


def your_netid():
    return "dk7"


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
    return s


def your_post_processing(output_string):
    match = re.search(r"(?<!\d)\d{8}(?!\d)", output_string)
    if match is None:
        match = re.search(r"(?<!\d)\d{7}(?!\d)", output_string)
    if match is None:
        match = re.search(r"\d+", output_string)
    if match is None:
        return 0
    return int(match.group(0))
