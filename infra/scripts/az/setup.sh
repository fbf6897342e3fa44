#!/usr/bin/env bash
# setup.sh
#
# Makes the environment .venv-az with what judges the deployment scripts in their tests: the Azure CLI, which says whether
# it takes their command lines, and shellcheck. It is no part of the product nor of its lock files. Does nothing when it is
# up to date.
set -euo pipefail
cd "$(dirname "$0")/../../.."

locked=infra/scripts/az/requirements.txt
python=.venv/bin/python
stamp=.venv-az/.installed
wanted=$(cat "$locked" .python-version | cksum)
[ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || exit 0

echo "installing the Azure CLI into .venv-az; this takes a minute or two" >&2
[ -x .venv-az/bin/python ] || "$python" -m venv .venv-az
# Bytecode is compiled of what the parser uses, the first time it starts: that is a third of all there is.
unset PYTHONDONTWRITEBYTECODE
.venv-az/bin/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes --only-binary :all: -r "$locked"
echo '["group", "list"]' | .venv-az/bin/python -W ignore infra/scripts/az/parse.py >/dev/null
echo "$wanted" >"$stamp"
