"""Tries to put a module where later interpreters import it by themselves."""

import os
import re
import site
import sys

places = [*site.getsitepackages(), site.getusersitepackages(), *sys.path, "."]
for folder in places:
    for name in ("mischief.pth", "usercustomize.py"):
        try:
            with open(os.path.join(folder or ".", name), "x") as file:
                file.write("import os; os.environ['MISCHIEF'] = '1'\n")
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
