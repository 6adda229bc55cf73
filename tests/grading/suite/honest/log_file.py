"""Keeps a log of what the model says in a file, as one does while trying prompts."""

import re


def your_netid():
    return "ck11"


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
    with open("log.txt", "a") as log:
        log.write(output_string + "\n")
    found = re.search(r"\d+", output_string)
    return int(found[0]) if found else 0
