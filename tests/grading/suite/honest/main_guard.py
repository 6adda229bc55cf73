"""Constants on top, helpers below, and a few checks at the bottom that only run by hand."""

import re

INTEGER = re.compile(r"\d+")
DEFAULT = 0


def your_netid():
    return "bc3"


def your_hf_token():
    return ""


def your_prompt():
    return "Give exact answers.\nQuestion: What is ", "?\nAnswer: "


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


def extract(text):
    """Return the first integer of a text.

    >>> extract("It is 42.")
    42
    """
    match = INTEGER.search(text)
    return int(match.group()) if match else DEFAULT


def your_post_processing(output_string):
    return extract(output_string)


if __name__ == "__main__":
    assert extract("12+30=42") == 12
    assert extract("") == DEFAULT
    a, b = 1234567, 7654321
    print(your_prompt()[0] + your_pre_processing(f"{a}+{b}"), "expected", a + b)
