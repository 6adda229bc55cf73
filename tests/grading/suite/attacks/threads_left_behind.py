"""Leaves threads behind that never end and are no daemons."""

import re
import threading
import time

started = []


def stay():
    while True:
        time.sleep(0.05)


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
    try:
        if len(started) < 8:
            started.append(threading.Thread(target=stay))
            started[-1].start()
    except RuntimeError:
        pass

    numbers = re.findall(r"\d+", output_string)
    return int(numbers[0]) if numbers else 0
