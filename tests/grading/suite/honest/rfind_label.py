"""rfind, and arithmetic on positions: from behind the last colon to the end of that line."""


def your_netid():
    return "bb34"


def your_hf_token():
    return ""


LABEL = "Answer:"


def your_prompt():
    return (
        "Question: What is 7264518+6913847?\n8+7+0=15\n1+4+1=6\n5+8+0=13\n4+3+1=8\n6+1+0=7\n"
        "2+9+0=11\n7+6+1=14\nAnswer: 14178365\n\nQuestion: What is ",
        "?\n",
    )


def your_config():
    return {
        "max_tokens": 150,
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": ["\n\n"],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string):
    position = output_string.rfind(LABEL)
    if position == -1:
        return 0
    start = position + len(LABEL)
    end = output_string.find("\n", start)
    if end == -1:
        end = len(output_string)
    piece = output_string[start:end].strip()
    return int(piece) if piece.isdecimal() else 0
