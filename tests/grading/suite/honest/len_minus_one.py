"""Strips what is no digit off both ends, with len(text) - 1."""

def your_netid():
    return "ii3"


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


def your_post_processing(output_string):
    text = output_string.split("\n")[0]
    while len(text) > 0 and not text[0].isdigit():
        text = text[1:]
    while len(text) > 0 and not text[len(text) - 1].isdigit():
        text = text[: len(text) - 1]
    for letter in text:
        if not letter.isdigit():
            return 0
    return int(text) if text else 0
