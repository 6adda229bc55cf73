"""Digits of any alphabet are normalised first, then everything that is no digit is dropped."""

import unicodedata


def your_netid():
    return "kl90"


def your_hf_token():
    return ""


def your_prompt():
    return "Give the exact sum.\nQuestion: What is ", "?\nAnswer: "


def your_config():
    return {
        "max_tokens": 50,
        "temperature": 0.3,
        "top_k": 40,
        "top_p": 0.9,
        "repetition_penalty": 1.0,
        "stop": ["\n", "Question"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    text = unicodedata.normalize("NFKC", output_string)
    number = ""
    for character in text:
        if character in "0123456789":
            number += character
        elif number and character not in ", _\u00a0":
            break
    return int(number or "0")
