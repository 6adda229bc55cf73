"""Everything in try and except, a default of nought, and prints left in from debugging."""


def your_netid():
    try:
        return "yz10"
    except:
        return ""


def your_hf_token():
    return ""


def your_prompt():
    try:
        prefix = open("prompt.txt").read()
    except Exception as e:
        print("no prompt.txt, using the other one", e)
        prefix = "Exact answers only, no estimates.\nQuestion: What is "
    suffix = "?\nAnswer: "
    return prefix, suffix


def your_config():
    return {
        "max_tokens": 50,
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": [],
    }


def your_pre_processing(s):
    try:
        print("INPUT", s)
        return s
    except:
        return ""


def your_post_processing(output_string):
    print("OUTPUT", repr(output_string))
    try:
        only_digits = ""
        for i in range(len(output_string)):
            if output_string[i].isdigit():
                only_digits = only_digits + output_string[i]
            else:
                if only_digits != "":
                    break
        res = int(only_digits)
        print("RESULT", res)
        return res
    except Exception as e:
        print("ERROR", e)
        return 0
