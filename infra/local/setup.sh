#!/bin/sh
# Makes everything that the demo and the tests need, from python3, node, npm, make and (for the browser) root's apt.
# Run by `make setup`; does nothing when it is up to date.
set -eu
cd "$(dirname "$0")/../.."

stamp=.venv/.entra-responder
wanted=$(cat .python-version requirements-dev.txt package-lock.json pyproject.toml | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

is_right() { [ "$("$@" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = 3.13 ]; }

# pyenv's shims read .python-version; uv keeps interpreters of its own; otherwise whatever is on the PATH.
find_python() {
    for candidate in python3.13 python3 python; do
        if is_right "$candidate"; then command -v "$candidate"; return; fi
    done
    if command -v uv >/dev/null 2>&1; then
        uv python find 3.13 2>/dev/null && return
        uv python install 3.13 >&2 && uv python find 3.13 && return
    fi
    for candidate in "$HOME"/.pyenv/versions/3.13*/bin/python3 /opt/python/3.13*/bin/python3; do
        if is_right "$candidate"; then echo "$candidate"; return; fi
    done
    cat >&2 <<'TEXT'
Python 3.13 was not found. Any one of these gives it, then run the same command again:
  Debian 13, Ubuntu 25.04 or newer:  apt-get install python3.13 python3.13-venv
  macOS:                             brew install python@3.13
  anywhere, with uv:                 uv python install 3.13
  anywhere, with pyenv:              pyenv install 3.13
TEXT
    return 1
}

for tool in node npm; do
    command -v "$tool" >/dev/null 2>&1 || { echo "$tool was not found: install Node.js 20 or newer, then run this again" >&2; exit 1; }
done

python=$(find_python)
echo "setting up with $python" >&2
npm ci --silent --no-audit --no-fund &
npm=$!
"$python" -m venv --clear .venv
# Bytecode is compiled now, whatever the shell says: without it every import takes two to four times as long. Not of the
# 16,000 modules of Microsoft Graph's library, which takes a minute: two of them are used.
unset PYTHONDONTWRITEBYTECODE
.venv/bin/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.txt
.venv/bin/python -m compileall -q -j 0 -x '/msgraph/generated/' .venv/lib/python3.13/site-packages
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .

# Without a Korean font the pages of an emergency would be pictures of empty boxes.
has_korean() { fc-list :lang=ko family 2>/dev/null | grep -q .; }

if ! command -v chromium >/dev/null 2>&1 || ! has_korean; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core fonts-nanum; } >/dev/null
    elif ! command -v chromium >/dev/null 2>&1; then
        .venv/bin/python -m playwright install chromium
    fi
fi
wait "$npm"
echo "$wanted" > "$stamp"
