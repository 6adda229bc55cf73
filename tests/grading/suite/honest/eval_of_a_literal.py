"""ast.literal_eval of the first word, with a way out."""

import ast


def your_netid():
    return "bt20"


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
    words = output_string.split()
    try:
        value = ast.literal_eval(words[0].lstrip("0"))
    except (IndexError, SyntaxError, ValueError):
        return 0
    return value if isinstance(value, int) else 0
