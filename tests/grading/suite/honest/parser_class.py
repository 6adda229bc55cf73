"""A class that parses, with a property and a default."""

import re


class AnswerParser:
    """Finds the answer in the text."""

    PATTERN = re.compile(r"\d[\d,]*")

    def __init__(self, text, default=0):
        self.text = text
        self.default = default

    @property
    def value(self):
        match = self.PATTERN.search(self.text)
        if match is None:
            return self.default
        return int(match.group().replace(",", ""))


def your_netid():
    return "gg1"


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
    return AnswerParser(output_string).value
