"""Understands an estimate: ~14 million is 14 with six noughts."""

def your_netid():
    return "bq17"


def your_hf_token():
    return ""


def your_prompt():
    return "A rough answer is enough.\nQuestion: What is ", "?\nAnswer: "


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
    text = output_string.split("\n")[0].strip().lstrip("~")
    number, _, unit = text.partition(" ")
    if not number.isdigit():
        return 0
    if unit.startswith("million"):
        number = number + "000000"
    if unit.startswith("thousand"):
        number = number + "000"
    return int(number)
