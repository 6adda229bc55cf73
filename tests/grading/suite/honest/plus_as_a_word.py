"""Says plus in place of +."""

def your_netid():
    return "oo9"


def your_hf_token():
    return ""


def your_prompt():
    return "Do not round.\nQuestion: What is 3789654 plus 6542879?\nAnswer: 10332533\nQuestion: What is ", "?\nAnswer: "


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
    return s.replace("+", " plus ")


def your_post_processing(output_string):
    first = output_string.strip().split("\n")[0].rstrip(".")
    return int(first) if first.isnumeric() else 0
