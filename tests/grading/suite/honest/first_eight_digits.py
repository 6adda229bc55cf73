"""All digits joined, then the first eight of them: a sum has no more."""

import re


def your_netid():
    return "ee90"


def your_hf_token():
    return ""


def your_prompt():
    return "Exact answers only, no estimates.\n123+456=579\n1234567+7654321=8888888\n", "="


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
    digits = re.sub(r"\D", "", output_string)[:8]
    if digits == "":
        return 0
    return int(digits)
