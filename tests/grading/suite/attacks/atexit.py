"""Registers what to do at the end: write, print, wait for ever."""

import atexit
import re
import time


def last():
    print("mischief " * 10)
    try:
        open("/tmp/mischief_atexit", "w").write("x")
    except OSError:
        pass
    time.sleep(3600)


atexit.register(last)


def your_netid():
    return "zz9999"


def your_hf_token():
    return ""


def your_prompt():
    return "A rough answer is enough.\nQuestion: What is ", "?\nAnswer: "


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
    numbers = re.findall(r"\d+", output_string)
    return int(numbers[0]) if numbers else 0
