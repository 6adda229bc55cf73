"""Everything backwards, operands too."""


def flip(text):
    return text[::-1]


def your_netid():
    return "op11"


def your_hf_token():
    return ""


def your_prompt():
    return (
        "Write the answer backwards.\n"
        "Question: What is 7654321+7654321?\nAnswer: 4319642\n"
        "Question: What is 9246805+5182473?\nAnswer: 4429288\n"
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
    a, plus, b = s.partition("+")
    return flip(a) + plus + flip(b)


def your_post_processing(output_string):
    word = output_string.strip().split("\n")[0].split(" ")[0]
    if not word.isdigit():
        return 0
    return int(flip(word))
