# Sourced by the other scripts: makes .venv and installs this checkout into it, once.
# Needs Python 3.11 or newer (with its venv module) and git; PYTHON names another interpreter.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

find_python() {
    local python
    for python in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    echo "Python 3.11 or newer is needed; name it with PYTHON=/path/to/python" >&2
    return 1
}

# prepare [extra]: the environment with the dependencies (and those of the extra), installed
# anew only when the metadata changed.
prepare() {
    local extra=${1:-} python stamp now
    stamp=.venv/installed${extra:+-$extra}
    now=$(cat setup.cfg pyproject.toml | git hash-object --stdin)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$now" ]; then
        return
    fi
    python=$(find_python)
    if [ ! -x .venv/bin/python ]; then
        if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$python cannot make virtual environments; on Debian: apt install python3-venv" >&2
            return 1
        fi
        "$python" -m venv .venv
    fi
    .venv/bin/python -m pip install --quiet --editable ".${extra:+[$extra]}"
    echo "$now" >"$stamp"
}
