"""The answer ends the sentence; the full stop comes off."""

def your_netid():
    return "bg7"


def your_hf_token():
    return ""


def your_prompt():
    return "Answer in a sentence.\nQuestion: What is ", "?\nAnswer: "


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
    sentence = output_string.split("\n")[0].rstrip()
    last = sentence.split(" ")[-1].rstrip(".!")
    if last.isdigit():
        return int(last)
    else:
        return 0
