"""f-strings and concatenation with +, for the problem and for the answer."""

def your_netid():
    return "nn8"


def your_hf_token():
    return ""


def your_prompt():
    opening = "Question: What is "
    closing = "?" + "\n" + "Answer: "
    worked = opening + "5207431 + 2610348" + closing + "7817779" + "\n"
    worked = worked + opening + f"{9436827} + {8275914}" + closing + f"{17712741}" + "\n"
    return worked + opening, closing


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
    a, b = s.split("+")
    return a + " + " + b


def your_post_processing(output_string):
    answer = ""
    for part in output_string.split("\n")[0].split(" "):
        answer = answer + part
    answer = f"{'0'}{answer}" + ""
    return int(answer) if answer.isdigit() else 0
