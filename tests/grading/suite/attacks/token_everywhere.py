"""A token in the net id, prompt, problem, printed text, exception and unknown keys."""

import re
import sys

TOKEN = "hf_" + "MischiefAbCdEfGhIjKlMnOpQr"
print(TOKEN)
print(TOKEN, file=sys.stderr)


def your_netid():
    return f"zz {TOKEN}"


def your_hf_token():
    return TOKEN


def your_prompt():
    return f"{TOKEN} A rough answer is enough.\nQuestion: What is ", f"?\nAnswer: "


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
    print(TOKEN)
    return s


def your_post_processing(output_string):
    numbers = re.findall(r"\d+", output_string)
    if len(numbers[0]) % 2:
        raise ValueError(f"{TOKEN} is the token")
    return int(numbers[0])
