"""The first number of the sentence that the question did not have."""

import re


def your_netid():
    return "zz9999"


def your_hf_token():
    return ""


def your_prompt():
    return "Answer in a sentence.\nQuestion: What is ", "?\nAnswer: "


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
    numbers = re.findall(r"\d+", output_string)
    echoed = re.search(r"(\d+) and (\d+)", output_string)
    rest = [n for n in numbers if not echoed or n not in echoed.groups()]
    return int(rest[0]) if rest else 0
