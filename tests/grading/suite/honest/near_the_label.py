"""The number whose distance from the word Answer is least."""

import re


def your_netid():
    return "mm7"


def your_hf_token():
    return ""


def your_prompt():
    prefix = (
        "Question: What is 4839276+2705981?\n6+1+0=7\n7+8+0=15\n2+9+1=12\n9+5+1=15\n"
        "3+0+1=4\n8+7+0=15\n4+2+1=7\nAnswer: 7545257\n\nQuestion: What is "
    )
    return prefix, "?\n"


def your_config():
    return {
        "max_tokens": 150,
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["\n\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    label = output_string.find("Answer")
    if label < 0:
        label = 0
    nearest, distance = "0", 10**9
    for match in re.finditer(r"\d{5,}", output_string):
        if abs(match.start() - label) < distance:
            nearest, distance = match.group(), abs(match.start() - label)
    return int(nearest)
