"""Writes sixty-four megabytes into each folder that takes them."""

import os
import re
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
for folder in (here, os.getcwd(), tempfile.gettempdir(), "/tmp", "/dev/shm", "/var/tmp"):
    try:
        with open(os.path.join(folder, "mischief_fill"), "wb") as file:
            for _ in range(64):
                file.write(bytes(2**20))
    except OSError:
        pass


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
