"""What fits: a model's weights on the devices that are here, and rows side by side beside them."""

from __future__ import annotations

from math import inf
from typing import Any

import torch

# Rows side by side on a CPU, for models up to so many bytes of weights: the larger the model, the
# fewer rows make up for reading its weights, and the more each row's keys and values weigh.
_CPU_SLOTS = ((64 << 20, 256), (4 << 30, 64), (inf, 16))
# A GPU wants as many rows as its memory holds: at so many tokens each, in half of what the weights
# leave free, the rest being for the prefix and for what a step computes.
_GPU_SLOTS = (256, 128, 64, 32, 16, 8)
_GPU_TOKENS = 512


def free(device: torch.device) -> int:
    """Return the bytes that can be had on a device now."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    import psutil

    return psutil.virtual_memory().available


def gpus() -> dict[int, int]:
    """Return the bytes that can be had on each CUDA GPU now, by its number."""
    return {gpu: free(torch.device("cuda", gpu)) for gpu in range(torch.cuda.device_count())}


def slots(model: Any, device: torch.device) -> int:
    """Return how many rows a model computes at a time on a device, when there is memory for them.

    It depends on the model and the size of the device, never on what is in use at the moment: a
    row's rounding may depend on it.
    """
    weights = model.get_memory_footprint()
    if device.type != "cuda":
        return next(slots for most, slots in _CPU_SLOTS if weights <= most)
    return gpu_slots(torch.cuda.mem_get_info(device)[1], weights, token_bytes(model))


def gpu_slots(total: int, weights: int, token: int) -> int:
    """Return how many rows a GPU takes.

    Args:
        total: bytes of its memory.
        weights: bytes of the model's weights.
        token: bytes of one token's keys and values.
    """
    room = (total - weights) // 2
    return next((slots for slots in _GPU_SLOTS if slots * _GPU_TOKENS * token <= room), 4)


def token_bytes(model: Any) -> int:
    """Return the bytes of one token's keys and values in all layers, as the configuration tells."""
    config = model.config.get_text_config()
    heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    groups = getattr(config, "num_key_value_heads", None) or heads
    return 2 * config.num_hidden_layers * groups * size * model.dtype.itemsize
