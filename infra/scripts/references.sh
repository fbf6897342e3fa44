#!/usr/bin/env bash
# references.sh [--what-if]
#
# Has the app's settings that refer to Key Vault looked up again, and lists those that didn't resolve: the app does
# without such a channel, and says so. Comes before the code, so that it starts with all of them.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"

only_what_if "$@"
needs_az
app=$(needed functionAppId)
url="$app/config/configreferences/appsettings"
version="api-version=2022-03-01"
looks_at_most=6
[ "$dry" = no ] || looks_at_most=1

# A role that was just given isn't everywhere at once, so an unresolved reference is looked up again for a while.
looks=0
while :; do
    if ! { again write rest --method post --url "$url/refresh?$version" --output none &&
        again az rest --method get --url "$url?$version" --output tsv \
            --query "value[?properties.status != 'Resolved'].[name, properties.status, properties.details]" >"$scratch/unresolved"; }; then
        say "! could not find out whether the settings from the vault resolve: see the line above; the doctor names those that don't"
        exit
    fi
    looks=$((looks + 1))
    if [ ! -s "$scratch/unresolved" ] || [ "$looks" -ge "$looks_at_most" ]; then break; fi
    sleep "$pause"
done
while IFS=$'\t' read -r name status details; do
    say "! the setting $name isn't resolved ($status: $details): the app does without it until that is mended"
done <"$scratch/unresolved"
[ -s "$scratch/unresolved" ] || say "settings from the vault: all resolved"
