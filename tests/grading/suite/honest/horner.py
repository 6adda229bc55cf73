"""Builds the number digit by digit: ten times what there is, and the next digit."""


def your_netid():
    return "zz9999"


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
    number = 0
    for character in output_string.lstrip():
        if not character.isdigit():
            break
        number = 10 * number + ord(character) - ord("0")
    return number
