"""The model spells every digit; a dictionary turns the words back."""

VALUE = {
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
}


def your_netid():
    return "ss13"


def your_hf_token():
    return ""


def your_prompt():
    return "Spell every digit.\nQuestion: What is ", "?\nAnswer: "


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
    words = output_string.lower().replace(".", " ").split()
    digits = [VALUE[word] for word in words if word in VALUE]
    return int("".join(digits)) if digits else 0
