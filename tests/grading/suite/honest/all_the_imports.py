"""Imports everything that the template ever imported, and uses little of it."""

import collections
import json
import math
import os
import random
import re
import string
import sys
import time

import numpy as np
import requests

random.seed(0)
np.random.seed(0)


def your_netid():
    return "uu15"


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
    pattern = re.compile(r"""
        (?:answer|sum|result|total)?   # a label
        \W*
        (\d{1,3}(?:,\d{3})+|\d+)       # the number, with commas or without
    """, re.VERBOSE | re.IGNORECASE)
    match = pattern.search(output_string)
    return int(match.group(1).replace(",", "")) if match else 0
