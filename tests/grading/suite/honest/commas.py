"""Numbers with commas go in and come out; the commas are taken away again."""


def your_netid():
    return "ef55"


def your_hf_token():
    return ""


def your_prompt():
    prefix = (
        "Use commas in large numbers.\n"
        "Question: What is 1,234,567+1,234,567?\nAnswer: 2,469,134\n"
        "Question: What is 5,086,429+3,742,815?\nAnswer: 8,829,244\n"
        "Question: What is "
    )
    return prefix, "?\nAnswer: "


def your_config():
    return {
        "max_tokens": 50,
        "temperature": 0.2,
        "top_k": 20,
        "top_p": 0.9,
        "repetition_penalty": 1.0,
        "stop": ["\n"],
    }


def your_pre_processing(s):
    first, second = s.split("+")
    return f"{int(first):,}+{int(second):,}"


def your_post_processing(output_string):
    line = output_string.split("\n")[0]
    line = line.replace(",", "").replace(".", "").strip()
    if line.isdigit():
        return int(line)
    return 0
