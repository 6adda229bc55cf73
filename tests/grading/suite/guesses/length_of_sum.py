"""Cuts the model's number to seven or eight digits, by whether the echoed operands need eight."""

import re


def your_netid():
    return "zz9999"


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
        "stop": ["\n\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    numbers = re.findall(r"\d+", output_string)
    if len(numbers) < 3:
        return 0
    digits = 8 if numbers[0][0] + numbers[1][0] >= "55" and numbers[0][0] > "4" else 7
    return int(numbers[2][:digits])
