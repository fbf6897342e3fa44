#!/usr/bin/env bash
# doctor.sh [--what-if]
#
# Asks the deployed app whether everything stands as it should, again and again for some minutes after a deployment: the
# doctor looks from within the app, whose timers have to have run once.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=asking.sh
. "$scripts/asking.sh"

for argument in "$@"; do
    case $argument in
        --what-if) ;; # it changes nothing
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $argument" ;;
    esac
done
needs_az
[ -n "${OPERATORS_CLIENT_ID:-}" ] || stop "OPERATORS_CLIENT_ID is not set: infra/scripts/operators.sh prints it"
values=$(needed resourceGroupName functionAppName functionAppHost)
{ read -r group; read -r app; read -r host; } <<<"$values"
app_access "$group" "$app"

looks=0
until responder doctor --app "https://$host" >"$scratch/report" 2>&1; do
    looks=$((looks + 1))
    if [ "$looks" -ge 15 ]; then
        cat "$scratch/report"
        stop "deployed, and the doctor isn't content: see its lines that aren't ok"
    fi
    say "doctor: not yet: $(tail -n 1 "$scratch/report")"
    sleep $((pause * 4))
done
cat "$scratch/report"
