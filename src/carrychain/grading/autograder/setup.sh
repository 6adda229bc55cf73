#!/usr/bin/env bash
# Makes the autograder's environment; run once, as root, when the image is built.
set -euo pipefail
root=${AUTOGRADER_ROOT:-/autograder}
source=$root/source
env=$root/env

say() { echo "setup.sh: $*" >&2; }

# The first Python of 3.11 or newer that can make an environment with pip in it.
find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
        then command -v "$name"; return; fi
    done
    return 1
}

# uv, beside the autograder's environment and not in it.
uv() {
    [ -x "$root/uv/bin/uv" ] || "${python:-python3}" -m pip install --quiet --target "$root/uv" uv
    "$root/uv/bin/uv" "$@"
}

if ! python=$(find_python); then
    say "installing Python"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3 python3-venv python3-pip
    if ! python=$(find_python); then # the distribution's own is too old
        export UV_PYTHON_INSTALL_DIR=$root/python
        uv python install 3.12
        python=$(uv python find 3.12)
    fi
fi

say "making $env with $("$python" --version)"
"$python" -m venv --clear "$env"
python=$env/bin/python
install() {
    "$python" -m pip install --quiet --disable-pip-version-check \
        --constraint "$source/constraints.txt" "$source"/carrychain-*.whl
}
# The constraints name the CPU build of torch. PyPI has only the one with CUDA; then uv, which knows
# PyTorch's own index, fetches torch first.
if ! install 2>/dev/null; then
    say "fetching the CPU build of torch"
    uv pip install --quiet --python "$python" --torch-backend cpu \
        --constraint "$source/constraints.txt" torch
    install
fi

model=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["model"])' \
    "$source/autograder.json")
[[ $model == openai:* ]] || "$env/bin/carrychain" models fetch "$model" >&2
"$env/bin/carrychain" grade --explain-sandbox >&2

chmod 700 "$source" # the seed is the instructor's
say "done"
