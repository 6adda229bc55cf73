"""Raises exceptions whose text, name and repr raise again, are endless, or contain escape codes."""

import re

NAME = "Oops\x1b[2J\x1b]0;mischief\x07<script>" + "x" * 10000


def angry(self):
    raise self


Rude = type(NAME, (BaseException,), {"__str__": angry, "__repr__": angry})


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
    raise Rude('x' * 10**6)
