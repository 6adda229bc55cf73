"""Spaces between the digits so that the tokenizer can't join them; taken out of the answer."""


def your_netid():
    return "gh208"


def your_hf_token():
    return ""


def your_prompt():
    return (
        "Put a space between the digits.\n"
        "Question: What is 1 2 3 4 5 6 7 + 1 2 3 4 5 6 7?\nAnswer: 2 4 6 9 1 3 4\n"
        "Question: What is 5 0 8 6 4 2 9 + 3 7 4 2 8 1 5?\nAnswer: 8 8 2 9 2 4 4\n"
        "Question: What is ",
        "?\nAnswer: ",
    )


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
    out = ""
    for c in s:
        if c == "+":
            out = out + "+ "
        else:
            out = out + c + " "
    return out.strip()


def your_post_processing(output_string):
    answer = "".join(output_string.split("\n")[0].split())
    try:
        return int(answer)
    except ValueError:
        return 0
