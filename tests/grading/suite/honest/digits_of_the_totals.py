"""The last digit of each column's total, and of the top column the whole total."""


def your_netid():
    return "uv61"


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
    totals = []
    for line in output_string.split("\n"):
        if "=" in line:
            totals.append(line.split("=")[1].strip())
    if len(totals) == 0:
        return 0
    answer = totals[-1]
    for total in reversed(totals[:-1]):
        answer = answer + total[-1:]
    return int(answer) if answer.isdigit() else 0
