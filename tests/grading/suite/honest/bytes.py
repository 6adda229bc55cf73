"""Bytes between 48 and 57 are digits."""

def your_netid():
    return "bi9"


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
    return s


def your_post_processing(output_string):
    kept = bytearray()
    for byte in output_string.encode("utf-8"):
        if 48 <= byte <= 57:
            kept.append(byte)
        elif kept:
            break
    return int(kept.decode()) if kept else 0
