"""Turns a number round with % and //, as it was taught with loops."""

import re


def your_netid():
    return "bm13"


def your_hf_token():
    return ""


def your_prompt():
    return (
        "Write the answer backwards.\n"
        "Question: What is 1234567+1234567?\nAnswer: 4319642\n"
        "Question: What is 5086429+3742815?\nAnswer: 4429288\n"
        "Question: What is ",
        "?\nAnswer: ",
    )


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
    found = re.search(r"\d+", output_string)
    if not found:
        return 0
    text = found.group()
    number, turned = int(text), 0
    for _ in text:
        turned = turned * 10 + number % 10
        number = number // 10
    return turned
