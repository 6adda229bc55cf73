"""Column by column; the last number of the output is the answer."""

import re


def your_net_id():
    return "bq42"


def your_hf_token():
    return "YOUR_HF_TOKEN"


def your_prompt():
    """Returns a prompt to add to "[PREFIX]a+b[SUFFIX]", where a,b are integers."""
    prefix = """Question: What is 4839276+2705981?
6+1+0=7
7+8+0=15
2+9+1=12
9+5+1=15
3+0+1=4
8+7+0=15
4+2+1=7
Answer: 7545257

Question: What is """
    suffix = "?\n"
    return prefix, suffix


def your_config():
    return {
        "max_tokens": 150,
        "temperature": 0.1,
        "top_k": 1,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["\n\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    try:
        return int(re.findall(r"[0-9]+", output_string)[-1])
    except IndexError:
        return 0
