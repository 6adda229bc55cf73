"""The first word after "Answer:", if there is one."""


def your_netid():
    return "aa12"


def your_hf_token():
    return ""


def your_prompt():
    return "Work column by column from the right.\nQuestion: What is ", "?\n"


def your_config():
    return {
        "max_tokens": 160,
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["\n\n", "\nQuestion:"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    if "Answer:" in output_string:
        words = output_string.split("Answer:")[1].split()
        if len(words) > 0:
            word = words[0].strip(".,!?")
            if word.isdigit():
                return int(word)
    return 0
