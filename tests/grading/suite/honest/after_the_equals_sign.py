"""What stands behind the equals sign of an echoed question."""

def your_netid():
    return "be5"


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
    parts = output_string.split("=")
    if len(parts) < 2:
        return 0
    number = ""
    for c in parts[1]:
        if not c.isdigit():
            break
        number += c
    return int(number) if len(number) > 0 else 0
