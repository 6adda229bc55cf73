"""The first number of the output, as most people do it."""

import re


def your_netid():
    YOUR_NET_ID = "ab123"
    return YOUR_NET_ID


def your_hf_token():
    YOUR_HF_TOKEN = ""
    return YOUR_HF_TOKEN


def your_prompt():
    prefix = "Question: What is 1234567+1234567?\nAnswer: 2469134\nQuestion: What is "
    suffix = "?\nAnswer: "
    return prefix, suffix


def your_config():
    config = {
        "max_tokens": 50,
        "temperature": 0.7,
        "top_k": 50,
        "top_p": 0.6,
        "repetition_penalty": 1,
        "stop": [],
    }
    return config


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    numbers = re.findall(r"\d+", output_string)
    if len(numbers) == 0:
        return 0
    return int(numbers[0])
