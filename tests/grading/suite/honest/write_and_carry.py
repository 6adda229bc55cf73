"""The model writes "write 6, carry 1" line by line; the written digits are put together."""

import re


def your_netid():
    return "st5"


def your_hf_token():
    return ""


def your_prompt():
    prefix = (
        "Question: What is 4839276+2705981?\n"
        "6+1+0=7, write 7, carry 0\n7+8+0=15, write 5, carry 1\n2+9+1=12, write 2, carry 1\n"
        "9+5+1=15, write 5, carry 1\n3+0+1=4, write 4, carry 0\n8+7+0=15, write 5, carry 1\n"
        "4+2+1=7, write 7, carry 0\nAnswer: 7545257\n\nQuestion: What is "
    )
    return prefix, "?\n"


def your_config():
    return {
        "max_tokens": 200,
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["\n\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    written = re.findall(r"write (\d)", output_string)
    carried = re.findall(r"carry (\d)", output_string)
    if not written:
        return 0
    written.reverse()
    answer = "".join(written)
    if carried and carried[-1] == "1":
        answer = "1" + answer
    return int(answer)
