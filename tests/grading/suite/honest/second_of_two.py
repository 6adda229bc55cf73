"""The second of two answers, unless there is only one."""


def your_netid():
    return "zz9999"


def your_hf_token():
    return ""


def your_prompt():
    return "Give two answers.\nQuestion: What is ", "?\nAnswer: "


def your_config():
    return {
        "max_tokens": 50,
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["\n\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    answers = output_string.partition("=")[2].split(" or ")
    digits = ["".join(filter(str.isdigit, answer)) for answer in answers]
    return int(digits[1] if len(digits) > 1 and digits[1] else digits[0] or 0)
