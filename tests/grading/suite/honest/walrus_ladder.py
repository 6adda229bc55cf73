"""One pattern after the other until one fits."""

import re


def your_netid():
    return "zz20"


def your_hf_token():
    return ""


def your_prompt():
    prefix = (
        "Question: What is 4839276+2705981?\n6+1+0=7\n7+8+0=15\n2+9+1=12\n9+5+1=15\n"
        "3+0+1=4\n8+7+0=15\n4+2+1=7\nAnswer: 7545257\n\nQuestion: What is "
    )
    return prefix, "?\n"


def your_config():
    return {
        "max_tokens": 150,
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["\n\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    for pattern in (r"[Aa]nswer(?: is)?:?\s*(\d+)", r"=\s*(\d+)\s*$", r"\b(\d{7,8})\b", r"(\d+)"):
        if found := re.search(pattern, output_string, re.MULTILINE):
            return int(found[1])
    return 0
