"""Leaves a process of its own behind that has its own session and goes on writing."""

import os
import re
import time

try:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            end = time.monotonic() + 30
            while time.monotonic() < end:
                try:
                    open("/tmp/mischief_daemon", "a").write("still here\n")
                except OSError:
                    pass
                time.sleep(0.1)
        os._exit(0)
except BaseException:
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
