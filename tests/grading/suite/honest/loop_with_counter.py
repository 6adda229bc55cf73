"""A while loop over the characters; i += 1 is arithmetic, and honest."""

def your_netid():
    return "hh2"


def your_hf_token():
    return ""


def your_prompt():
    prefix = (
        "Question: What is 5207431+2610348?\nAnswer: 7817779\n"
        "Question: What is 9436827+8275914?\nAnswer: 17712741\n"
        "Question: What is 4672985+5938467?\nAnswer: 10611452\n"
        "Question: What is 3789654+6542879?\nAnswer: 10332533\n"
        "Question: What is "
    )
    return prefix, "?\nAnswer: "


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
    i = 0
    while i < len(output_string) and not output_string[i].isdigit():
        i += 1
    j = i
    while j < len(output_string) and output_string[j].isdigit():
        j += 1
    if i == j:
        return 0
    return int(output_string[i:j])
