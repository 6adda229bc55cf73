"""A NumPy array of objects that would have to be unpickled, in place of an integer."""

import os
import re

import numpy as np


class Bomb:
    def __reduce__(self):
        return os.system, ("echo mischief > /tmp/mischief_pickle",)


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
    return np.array([Bomb()], dtype=object)
