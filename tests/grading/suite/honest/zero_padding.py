"""Eight digits everywhere, filled with zeros, which int() takes off again."""

def your_netid():
    return "pp10"


def your_hf_token():
    return ""


def your_prompt():
    return (
        "Write numbers with eight digits.\n"
        "Question: What is 01234567+01234567?\nAnswer: 02469134\n"
        "Question: What is 05086429+03742815?\nAnswer: 08829244\nQuestion: What is ",
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
    left, right = s.split("+")
    return left.zfill(8) + "+" + right.rjust(8, "0")


def your_post_processing(output_string):
    word = output_string.split("\n")[0].strip()[:8]
    try:
        return int(word.lstrip("0") or "0")
    except ValueError:
        return 0
