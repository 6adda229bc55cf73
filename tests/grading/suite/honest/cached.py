"""functools.lru_cache, since post-processing might be slow."""

from functools import lru_cache


def your_netid():
    return "cm13"


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


@lru_cache(maxsize=None)
def parse(text):
    digits = [c if c.isdigit() else " " for c in text]
    words = "".join(digits).split()
    return int(words[0]) if words else 0


def your_post_processing(output_string):
    return parse(output_string)
