"""Several spellings of the question at once, and labels for the operands."""

def your_netid():
    return "bu21"


def your_hf_token():
    return ""


def your_prompt():
    return "Give exact answers.\nQuestion: What is ", "?\nAnswer: "


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
    numbers = s.split("+")
    first_number = numbers[0]
    second_number = numbers[1]
    return f"{first_number}+{second_number}? Once more: {first_number} plus {second_number}"


def your_post_processing(output_string):
    cleaned = output_string.strip().split("\n")[0]
    cleaned = "".join(ch for ch in cleaned if ch.isdigit() or ch == " ")
    tokens = [t for t in cleaned.split(" ") if t != ""]
    return int(tokens[-1]) if tokens else 0
