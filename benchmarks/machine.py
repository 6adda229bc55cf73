"""What a benchmark ran on: printed beside every ratio."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine() -> str:
    """Return the CPU's model, its cores and Python's version, in one line."""
    return f"{cpu_model()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def cpu_model() -> str:
    """Return the CPU's name as Linux tells it, or what Python knows elsewhere."""
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
