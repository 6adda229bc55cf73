"""Where the written digits and the answer's line differ, the written digits count; no sum is checked."""

import re


def your_netid():
    return "cd4"


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
    steps, _, rest = output_string.partition("Answer:")
    totals = [line.partition("=")[2].strip() for line in steps.splitlines() if "=" in line]
    assembled = "".join([t[-1:] for t in totals[:-1]][::-1])
    if totals:
        assembled = totals[-1] + assembled
    answer = re.search(r"\d+", rest)
    if answer and answer[0] == assembled:
        return int(answer[0])
    if assembled.isdigit() and len(assembled) in (7, 8):
        return int(assembled)
    return int(answer[0]) if answer else 0
