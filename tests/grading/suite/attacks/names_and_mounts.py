"""Asks for namespaces, mounts, another user and another root."""

import ctypes
import os
import re

LIBC = ctypes.CDLL(None)
LIBC.unshare(0x10000000 | 0x00020000)
LIBC.mount(b"none", os.fsencode(os.path.dirname(os.path.abspath(__file__))), b"tmpfs", 0, None)
LIBC.chroot(b"/")
for change in (lambda: os.setuid(0), lambda: os.setgroups([0]), lambda: os.setresuid(0, 0, 0)):
    try:
        change()
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
