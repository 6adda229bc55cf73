"""The problem is handed over as JSON, with the question after it."""

import json
import re


def your_netid():
    return "ci9"


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
    a, b = s.split("+")
    return json.dumps({"a": a, "b": b}) + " " + s


def your_post_processing(output_string):
    try:
        return int(json.loads(output_string.strip()))
    except (ValueError, TypeError):
        found = re.search(r"\d+", output_string)
        return int(found[0]) if found else 0
