"""filter(str.isdigit, first line)."""


def your_netid():
    return "cc56"


def your_hf_token():
    return ""


def your_prompt():
    return "Do not round.\nCompute ", ".\nResult: "


def your_config():
    return {
        "max_tokens": 50,
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["."],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    lines = [line for line in output_string.splitlines() if line.strip()]
    digits = "".join(filter(str.isdigit, lines[0])) if lines else ""
    return int(digits) if digits else 0
