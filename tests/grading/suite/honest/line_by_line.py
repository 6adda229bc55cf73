"""The first line with a digit in it; of that line, the last word that is a number."""

def your_netid():
    return "bd4"


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
    result = 0
    found = False
    for line in output_string.split("\n"):
        if found == True:
            break
        for word in line.replace("=", " ").replace(".", " ").split():
            if word.isdigit():
                result = int(word)
                found = True
    return result
