"""Counts its calls and keeps all outputs in a list, to print them; nothing comes of it."""

import re

calls = 0
history = []


def your_netid():
    return "cj10"


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
    history.append(s)
    return s


def your_post_processing(output_string):
    global calls
    calls += 1
    history.append(output_string)
    print(f"call {calls}: {output_string!r}, {len(history)} so far")
    found = re.search(r"\d+", output_string)
    return int(found[0]) if found else 0
