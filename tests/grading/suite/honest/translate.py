"""str.translate with a table that deletes everything but digits."""

import string

DELETE = str.maketrans("", "", string.ascii_letters + string.punctuation + " ")


def your_netid():
    return "xx18"


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
    line, _, _ = output_string.partition("\n")
    kept = line.translate(DELETE)
    return int(kept) if kept else 0
