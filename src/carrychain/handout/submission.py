"""Part 2, Q3 of the assignment: teach a language model to add two 7-digit numbers.

Write your prompt below, and change the rest as you need it. Then, as often as you like:

    carrychain grade submission.py --check-only     is anything wrong with this file?
    carrychain evaluate submission.py               what does the model make of it?
    python run_tests.py                             what is it worth?

For each sum the model is shown

    prefix + your_pre_processing("1234567+7654321") + suffix

and goes on writing. your_post_processing is then given what it wrote, and returns the answer. The
sum must be the model's: neither function may compute it, and each runs without knowing what the
other saw. You may import the standard library and NumPy, and read the prompt.txt beside this file.
"""

import re


def your_netid():
    """Your net id, such as "ab1234"."""
    return ""


def your_hf_token():
    """Your token of Hugging Face, for models that ask for one; nothing here calls this."""
    return ""


def your_prompt():
    """Two strings: what stands before each sum and what stands after it."""
    prefix = "Question: What is 3+7?\nAnswer: 10\nQuestion: What is "
    suffix = "?\nAnswer: "
    return prefix, suffix


def your_config():
    """How the model writes: exactly these six keys, and max_tokens of at least 50."""
    return {
        "max_tokens": 50,  # how much it may write
        "temperature": 0.7,  # 0 always takes the likeliest token; above 1 it wanders
        "top_k": 50,  # choose among so many of the likeliest tokens; 0 among all
        "top_p": 0.6,  # choose among the likeliest that have this share together; 1 among all
        "repetition_penalty": 1.0,  # above 1, what has been written becomes less likely
        "stop": [],  # strings that end what it writes
    }


def your_pre_processing(s):
    """Write the sum, given as in "1234567+7654321", as the model shall see it.

    Args:
        s: the sum, a string.

    Returns:
        A string.
    """
    return s


def your_post_processing(output_string):
    """Find the answer in what the model wrote.

    Args:
        output_string: all that it wrote after the prompt; it may be empty.

    Returns:
        An integer; 0 where there is no answer.
    """
    digits = re.search(r"\d+", output_string)
    return int(digits[0]) if digits else 0
