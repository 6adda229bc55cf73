"""The hand-out's own way: every digit of the output, joined."""

import re


def your_netid():
    return "dd78"


def your_hf_token():
    return ""


def your_prompt():
    prefix = "Question: What is 3789654+6542879?\nAnswer: 10332533\nQuestion: What is "
    return (prefix, "?\nAnswer: ")


def your_config():
    return {
        "max_tokens": 50,
        "temperature": 0.7,
        "top_k": 50,
        "top_p": 0.6,
        "repetition_penalty": 1,
        "stop": ["\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    only_digits = re.sub(r"\D", "", output_string)
    try:
        res = int(only_digits)
    except:
        res = 0
    return res
