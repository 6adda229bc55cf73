"""The model gives two answers; second thoughts are better, so the last one counts."""

import re


def your_netid():
    return "cb2"


def your_hf_token():
    return ""


def your_prompt():
    return "Give two answers.\nQuestion: What is ", "?\nAnswer: "


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
    first_line = output_string.split("\n")[0]
    *others, last = re.split(r"\D+", "0 " + first_line.strip())
    return int(last) if last else int(others[-1])
