"""Links a file of its own under names in other folders, by Python and by system call."""

import ctypes
import os
import re

for target in ("/tmp/mischief_link", "/dev/shm/mischief_link", "mischief_link"):
    try:
        os.link(__file__, target)
    except OSError:
        pass
    ctypes.CDLL(None).link(os.fsencode(__file__), target.encode())


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
