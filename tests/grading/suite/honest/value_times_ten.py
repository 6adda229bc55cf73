"""Builds the number digit by digit: value * 10 + digit is arithmetic, and reading."""

def your_netid():
    return "bk11"


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
    value = 0
    started = False
    for c in output_string:
        if "0" <= c <= "9":
            value = value * 10 + (ord(c) - ord("0"))
            started = True
        elif started:
            break
    return value
