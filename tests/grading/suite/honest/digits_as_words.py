"""The problem is spelled: three seven plus one two."""

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def your_netid():
    return "rr12"


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


def spell(number):
    return " ".join(WORDS[int(digit)] for digit in number)


def your_pre_processing(s):
    a, b = s.split("+")
    return f"{spell(a)} plus {spell(b)}, {s}"


def your_post_processing(output_string):
    digits = "".join(c for c in output_string.split("\n")[0] if c.isdigit())
    return int(digits) if digits else 0
