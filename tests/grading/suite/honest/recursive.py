"""Recursion, as in the first year."""

def your_netid():
    return "vv16"


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


def leading(text):
    if text == "" or not text[0].isdigit():
        return ""
    return text[0] + leading(text[1:])


def first(text):
    if text == "":
        return "0"
    number = leading(text)
    return number if number else first(text[1:])


def your_post_processing(output_string):
    return int(first(output_string))
