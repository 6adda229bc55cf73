"""Writes numbers as Python does, 1_234_567, and removes the underscores."""

import re


def group(digits):
    pieces = []
    while digits:
        pieces.append(digits[-3:])
        digits = digits[:-3]
    return "_".join(reversed(pieces))


def your_netid():
    return "ij1"


def your_hf_token():
    return ""


def your_prompt():
    return "1_234_567+1_234_567=2_469_134\n5_086_429+3_742_815=8_829_244\n", "="


def your_config():
    return {
        "max_tokens": 50,
        "temperature": 0.0,
        "top_k": 1,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["\n"],
    }


def your_pre_processing(s):
    return "+".join(group(part) for part in s.split("+"))


def your_post_processing(output_string):
    found = re.match(r"\s*([\d_]+)", output_string)
    if not found:
        return 0
    digits = found.group(1).replace("_", "")
    return int(digits) if digits else 0
