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
.venv-az/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$locked"
echo "$wanted" >"$stamp"
