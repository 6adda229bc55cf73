"""Slices with computed indices: find, + 1, and no more than eight characters."""

def your_netid():
    return "kk5"


def your_hf_token():
    return ""


def your_prompt():
    return "Repeat the question before you answer.\nQuestion: What is ", "?\nAnswer: "


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
    start = output_string.find("=") + 1
    stop = start + 8
    candidate = output_string[start:stop]
    candidate = candidate.split("\n")[0].strip(" .")
    if candidate.isdigit():
        return int(candidate)
    return 0
