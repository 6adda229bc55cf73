"""Opens, writes, renames and deletes by system calls, past Python's audit events."""

import ctypes
import os
import re

LIBC = ctypes.CDLL(None)
here = os.path.dirname(os.path.abspath(__file__))
for folder in (here, os.getcwd(), "/tmp", "/dev/shm", os.path.dirname(here)):
    path = os.path.join(folder, "mischief_raw").encode()
    descriptor = LIBC.open(path, os.O_CREAT | os.O_WRONLY, 0o666)
    if descriptor >= 0:
        LIBC.write(descriptor, b"mischief", 8)
LIBC.rename(os.fsencode(__file__), b"/tmp/mischief_renamed")
LIBC.unlink(os.fsencode(__file__))
LIBC.mkdir(b"/tmp/mischief_folder", 0o777)
LIBC.mknod(b"/tmp/mischief_node", 0o010666, 0)
LIBC.truncate(os.fsencode(__file__), 0)


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
