"""Takes the longest run of digits: seven-digit sums are longer than anything else in the text."""

import re


def your_netid():
    return "cdx901"


def your_hf_token():
    return "hf_this_is_not_a_real_one"


def your_prompt():
    examples = [
        ("5207431+2610348", "7817779"),
        ("9436827+8275914", "17712741"),
        ("4672985+5938467", "10611452"),
    ]
    text = "You are a careful calculator. Do not round.\n"
    for question, answer in examples:
        text += "Q: " + question + "\nA: " + answer + "\n"
    return text + "Q: ", "\nA: "


def your_config():
    return dict(
        max_tokens=60, temperature=0.01, top_k=10, top_p=0.9, repetition_penalty=1.0, stop=["Q:"]
    )


def your_pre_processing(s):
    return s.strip()


def your_post_processing(output_string):
    digits = re.findall(r"\d+", output_string)
    if not digits:
        return 0
    return int(max(digits, key=len))
