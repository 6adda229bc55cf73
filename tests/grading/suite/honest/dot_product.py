"""Multiplies the digits with powers of ten, in NumPy."""

import re

import numpy as np


def your_netid():
    return "zz9999"


def your_hf_token():
    return ""


def your_prompt():
    prefix = (
        "Question: What is 5207431+2610348?\nAnswer: 7817779\n"
        "Question: What is 9436827+8275914?\nAnswer: 17712741\n"
        "Question: What is 4672985+5938467?\nAnswer: 10611452\n"
        "Question: What is 3789654+6542879?\nAnswer: 10332533\n"
        "Question: What is "
    )
    return prefix, "?\nAnswer: "


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
    found = re.match(r"\s*(\d{1,12})", output_string)
    if not found:
        return 0
    digits = np.array(list(found[1]), dtype=int)
    return int(digits @ 10 ** np.arange(len(digits))[::-1])
