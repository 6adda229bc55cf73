"""Goes from the end to the last digit and from there to the first of its run."""

DIGITS = "0123456789"


def your_netid():
    return "jj4"


def your_hf_token():
    return ""


def your_prompt():
    prefix = (
        "Question: What is 4839276+2705981?\n6+1+0=7\n7+8+0=15\n2+9+1=12\n9+5+1=15\n"
        "3+0+1=4\n8+7+0=15\n4+2+1=7\nAnswer: 7545257\n\nQuestion: What is "
    )
    return prefix, "?\n"


def your_config():
    return {
        "max_tokens": 150,
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["\n\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    end = len(output_string)
    while end > 0 and output_string[end - 1] not in DIGITS:
        end -= 1
    start = end
    while start > 0 and output_string[start - 1] in DIGITS:
        start -= 1
    return int(output_string[start:end] or 0)
