"""The model writes the answer backwards, since carries run that way; it is turned round here."""


def your_netid():
    return "mn3"


def your_hf_token():
    return ""


def your_prompt():
    return (
        "Write the answer backwards.\n"
        "Question: What is 1234567+1234567?\nAnswer: 4319642\n"
        "Question: What is 5086429+3742815?\nAnswer: 4429288\n"
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
    return s


def your_post_processing(output_string):
    digits = [c for c in output_string.split("\n")[0] if c.isdigit()]
    digits.reverse()
    answer = "".join(digits)
    return int(answer) if answer else 0
