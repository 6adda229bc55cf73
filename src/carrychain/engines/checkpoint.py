"""Load a transformers checkpoint, or say in one sentence why that is not possible.

transformers explains a failure by a traceback of many frames, warnings and a progress bar; here
every kind of failure is found and named. No code of a checkpoint is ever run.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open

from carrychain.engines import memory
from carrychain.errors import InvalidInput, ModelUnavailable

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_NEEDED = ["*.json", "*.safetensors", "*.model", "*.txt"]


class Checkpoint(NamedTuple):
    """A loaded checkpoint: transformers' model, in eval mode on its device, and its tokenizer."""

    model: Any
    tokenizer: Any


def load(
    source: str | Path,
    dtype: str,
    device: torch.device,
    offline: bool = False,
    spread: bool = False,
) -> Checkpoint:
    """Load a causal language model and its tokenizer.

    Args:
        source: a folder (a `Path`, or a string that names one), else a hub id.
        dtype: float32, bfloat16, float16, or auto: the checkpoint's own on a GPU, float32 on a CPU.
        device: where to compute.
        offline: ask no network.
        spread: where one GPU is too small for the model, lay its layers over all of them.

    Raises:
        ModelUnavailable: missing, damaged, gated, larger than the free memory, or not a causal
            language model.
        InvalidInput: an unknown dtype.
    """
    if dtype not in ("auto", *_DTYPES):
        raise InvalidInput(f"dtype is {dtype!r}; it must be auto, {', '.join(_DTYPES)}")
    folder = is_folder(source)
    if folder:
        _check_folder(Path(source))
        files = weight_files(Path(source))
    else:
        files = weight_files(download(str(source), offline))
    needed, numbers = _memory_needed(files, dtype, device)
    room = memory.free(device)
    gpus = memory.gpus() if spread and device.type == "cuda" else {}
    if needed > max(room, sum(gpus.values())):
        raise ModelUnavailable(_too_large(source, needed, numbers, room, device))
    placement: dict[str, Any] = {}  # a CPU needs none
    if device.type == "cuda" and needed <= room:
        placement = {"device_map": {"": device}}
    elif device.type == "cuda":
        placement = {"device_map": "auto", "max_memory": gpus}
    with quiet():
        try:
            model, tokenizer, missing = _load(source, dtype, device, placement)
        except ModelUnavailable:
            raise
        except Exception as error:  # transformers raises what each checkpoint's own code raises
            raise ModelUnavailable(_reason(source, folder, error)) from error
    if missing:
        raise ModelUnavailable(
            f"{source} lacks {len(missing)} of its model's weights, {missing[0]} the first; "
            "it is damaged or not whole"
        )
    return Checkpoint(model.eval().requires_grad_(False), tokenizer)


def download(repository: str, offline: bool = False) -> Path:
    """Return the folder of a hub model's files, after downloading those that are not here.

    The token is HF_TOKEN or the hub's own login. On a terminal the hub's bars show the progress.

    Args:
        repository: its id on the hub.
        offline: ask no network.

    Raises:
        ModelUnavailable: it is not here and can't be had; the message says why.
    """
    import huggingface_hub

    hub: Any = huggingface_hub
    try:
        with quiet():
            if here := _downloaded(repository):
                return here
            if offline:
                raise ModelUnavailable(
                    f"{repository} is not on this machine, and --offline forbids to download it"
                )
            # One request first: without it a machine that is offline would wait for every file.
            hub.auth_check(repository)
        logging.getLogger("carrychain").warning(
            "downloading %s from the hub; it is kept for the next time", repository
        )
        with quiet() if not sys.stderr.isatty() else nullcontext():
            return Path(hub.snapshot_download(repository, allow_patterns=_NEEDED))
    except ModelUnavailable:
        raise
    except Exception as error:  # the hub's own, its HTTP library's, the file system's
        raise ModelUnavailable(_reason(repository, False, error)) from error


def _downloaded(repository: str) -> Path | None:
    """Return the folder in the hub's cache, if it holds a model with weights."""
    import huggingface_hub
    from huggingface_hub.errors import CachedRepoTreeNotFoundError, LocalEntryNotFoundError

    hub: Any = huggingface_hub
    try:
        snapshot = Path(
            hub.snapshot_download(repository, allow_patterns=_NEEDED, local_files_only=True)
        )
    except (LocalEntryNotFoundError, CachedRepoTreeNotFoundError):
        return None
    return snapshot if weight_files(snapshot) else None


def _load(
    source: str | Path, dtype: str, device: torch.device, placement: dict[str, Any]
) -> tuple[Any, Any, list[str]]:
    """Return model, tokenizer and the names of weights that the checkpoint lacks."""
    import transformers

    auto: Any = transformers  # its loaders return what their arguments decide, which no type says
    options = {"local_files_only": True, "trust_remote_code": False}
    config = auto.AutoConfig.from_pretrained(str(source), **options)
    _check_causal(config, source)
    model, report = auto.AutoModelForCausalLM.from_pretrained(
        str(source),
        config=config,
        dtype=_DTYPES.get(dtype, torch.float32 if device.type == "cpu" else "auto"),
        output_loading_info=True,
        **placement,
        **options,
    )
    tokenizer = auto.AutoTokenizer.from_pretrained(str(source), **options)
    return model, tokenizer, sorted(report["missing_keys"])


def choose_device(device: str) -> torch.device:
    """Return the device of a name: auto (a CUDA GPU if there is one), cpu, cuda or cuda:N."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return torch.device("cuda:0" if gpus else "cpu")
    kind, _, number = device.partition(":")
    if device == "cpu":
        return torch.device("cpu")
    if kind != "cuda" or not (number.isdecimal() or device == "cuda"):
        raise InvalidInput(f"device is {device!r}; it must be auto, cpu, cuda or cuda:N")
    if int(number or 0) >= gpus:
        raise ModelUnavailable(
            f"device is {device!r}, but PyTorch finds {gpus} CUDA GPUs here; use --device cpu"
        )
    return torch.device("cuda", int(number or 0))


def revision(source: str | Path) -> str | None:
    """Return what identifies the weights: the hub's commit, or a hash of a folder's weights."""
    if is_folder(source):
        digest = hashlib.sha256()
        for path in weight_files(Path(source)):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return f"sha256:{digest.hexdigest()[:16]}"
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(str(source), "config.json")
    return Path(config).parent.name if isinstance(config, str) else None


def is_folder(source: str | Path) -> bool:
    """Whether a source means a folder and not a hub id: by its form, or because it is there."""
    if isinstance(source, Path) or source.startswith(("/", ".", "~")) or "\\" in source:
        return True
    return Path(source).is_dir() or source.count("/") > 1


def weight_files(folder: Path) -> list[Path]:
    """Return a folder's weight files by name: safetensors, else PyTorch's own."""
    for pattern in _WEIGHTS:
        if found := sorted(folder.glob(pattern)):
            return found
    return []


# --- what can be wrong ----------------------------------------------------------------------------


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        raise ModelUnavailable(f"there is no folder {folder}")
    if not folder.is_dir():
        raise ModelUnavailable(f"{folder} is a file; give the folder that save_pretrained wrote")
    config = folder / "config.json"
    if not config.is_file():
        raise ModelUnavailable(
            f"{folder} has no config.json; give the folder that save_pretrained wrote"
        )
    try:
        described: Any = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{config} can't be read as JSON ({error})") from error
    if not isinstance(described, dict) or "model_type" not in described:
        raise ModelUnavailable(
            f"{config} does not name a model_type; it is not a transformers configuration"
        )
    if not weight_files(folder):
        raise ModelUnavailable(f"{folder} has no weights (model.safetensors)")
    if not any(
        (folder / name).is_file()
        for name in ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
    ):
        raise ModelUnavailable(f"{folder} has no tokenizer (tokenizer.json)")


def _memory_needed(files: Sequence[Path], dtype: str, device: torch.device) -> tuple[int, int]:
    """Return the bytes that the weights take once they are loaded, and how many numbers they are.

    Swapping would stop the machine, so it is known before.
    """
    stored, numbers = _count(files)
    if dtype != "auto":
        return numbers * _DTYPES[dtype].itemsize, numbers
    return numbers * 4 if device.type == "cpu" else stored, numbers


def _too_large(
    source: str | Path, needed: int, numbers: int, room: int, device: torch.device
) -> str:
    half = numbers * 2
    advice = (
        f"--dtype bfloat16 needs {half / 1e9:.1f} GB"
        if half <= room and half < needed
        else "take a smaller model, or a server (openai:URL#MODEL)"
    )
    return (
        f"the weights of {source} need {needed / 1e9:.1f} GB of memory on {device}, "
        f"and {room / 1e9:.1f} GB are free; {advice}"
    )


def _count(files: Sequence[Path]) -> tuple[int, int]:
    """Return the bytes and the numbers of weight files; of a kind without a header, of 2 bytes."""
    stored = sum(file.stat().st_size for file in files)
    headers = [file for file in files if file.suffix == ".safetensors"]
    if len(headers) < len(files):
        return stored, stored // 2
    try:
        numbers = sum(_numbers(file) for file in headers)
    except (OSError, ValueError, SafetensorError):
        return stored, 0  # damaged: loading it says how
    return stored, numbers


def _numbers(file: Path) -> int:
    opening: Any = safe_open
    with opening(file, framework="pt") as tensors:
        return sum(prod(tensors.get_slice(name).get_shape()) for name in list(tensors.keys()))


def _check_causal(config: Any, source: str | Path) -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    mapping: dict[str, str | tuple[str, ...]] = dict(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    causal = {name for names in mapping.values() for name in _as_tuple(names)}
    architectures: list[str] = list(config.architectures or [])
    if config.is_encoder_decoder or not (causal.intersection(architectures) or not architectures):
        named = ", ".join(architectures) or config.model_type
        raise ModelUnavailable(
            f"{source} is a {named}, not a causal language model, so it can't continue a prompt"
        )


def _as_tuple(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def _reason(source: str | Path, folder: bool, error: Exception) -> str:
    """Return one sentence for whatever transformers raised."""
    from huggingface_hub import errors as hub

    page = f"https://huggingface.co/{source}"
    causes = list(_causes(error))
    what = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(". ")

    def is_any(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if "trust_remote_code" in str(error):
        return f"{source} brings code of its own, which carrychain never runs"
    if is_any(torch.OutOfMemoryError, MemoryError):
        return f"{source} does not fit into memory; a smaller model or --dtype bfloat16 may"
    if folder:
        return f"{source} can't be loaded, its files are damaged or of an unknown kind ({what})"
    if is_any(hub.GatedRepoError):
        return (
            f"{source} is gated: ask for access at {page}, "
            "then log in with `hf auth login` or set HF_TOKEN"
        )
    if is_any(hub.RepositoryNotFoundError, hub.HFValidationError):
        return (
            f"the hub has no model {source}, or your login does not see it; "
            "a folder is given as hf:./FOLDER"
        )
    if is_any(hub.LocalEntryNotFoundError, ConnectionError) or any(map(_is_transport, causes)):
        return (
            f"{source} is not on this machine, and the hub can't be reached; "
            f"connect once to download it from {page}"
        )
    return f"{source} can't be loaded from the hub ({what}); see {page}"


def _is_transport(error: BaseException) -> bool:
    """Whether an HTTP request got no answer; by name, as the hub's HTTP library changes."""
    return any(kind.__name__ == "TransportError" for kind in type(error).__mro__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@contextmanager
def quiet() -> Generator[None, None, None]:
    """Keep transformers' and the hub's warnings and progress bars off the terminal."""
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )
    from transformers.utils import logging as library

    verbosity, bars = library.get_verbosity(), library.is_progress_bar_enabled()
    hub_bars = not are_progress_bars_disabled()
    library.set_verbosity(50)  # critical: errors come as exceptions
    library.disable_progress_bar()
    disable_progress_bars()
    try:
        yield
    finally:
        library.set_verbosity(verbosity)
        if bars:
            library.enable_progress_bar()
        if hub_bars:
            enable_progress_bars()
