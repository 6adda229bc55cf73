"""Part 2, Q3 of the assignment, solved (instructor's: with answers).

Three sums worked out column by column, with few and many carries: each step is a sum of two digits
and a carry, which the model knows by heart, and what it wrote is there to be read for the next one.
"""

import re

EXAMPLES = """\
Question: What is 4839276+2705981?
6+1+0=7
7+8+0=15
2+9+1=12
9+5+1=15
3+0+1=4
8+7+0=15
4+2+1=7
Answer: 7545257

Question: What is 7264518+6913847?
8+7+0=15
1+4+1=6
5+8+0=13
4+3+1=8
6+1+0=7
2+9+0=11
7+6+1=14
Answer: 14178365

Question: What is 8059643+3972468?
3+8+0=11
4+6+1=11
6+4+1=11
9+2+1=12
5+7+1=13
0+9+1=10
8+3+1=12
Answer: 12032111
"""


def your_netid():
    """Your net id, such as "ab1234"."""
    return "instructor"


def your_hf_token():
    """Your token of Hugging Face, for models that ask for one; nothing here calls this."""
    return ""


def your_prompt():
    """Two strings: what stands before each sum and what stands after it."""
    return EXAMPLES + "\nQuestion: What is ", "?\n"


def your_config():
    """How the model writes: exactly these six keys, and max_tokens of at least 50."""
    return {
        "max_tokens": 150,  # how much it may write: eight lines and the answer
        "temperature": 0.7,  # 0 always takes the likeliest token; above 1 it wanders
        "top_k": 50,  # choose among so many of the likeliest tokens; 0 among all
        "top_p": 0.6,  # choose among the likeliest that have this share together; 1 among all
        "repetition_penalty": 1.0,  # above 1, what has been written becomes less likely
        "stop": ["\n\n"],  # strings that end what it writes
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
    digits = re.search(r"Answer: (\d+)", output_string)
    return int(digits[1]) if digits else 0
