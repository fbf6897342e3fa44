#!/usr/bin/env bash
# canary.sh [--what-if]
#
# Proves that changes of Azure roles reach the app: in each watched subscription it gives the app's identity the role
# Reader on the resource group that the event topic is in, waits until the doctor has seen that change, says how long that
# took, and takes the role away again, whatever the outcome.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"
# shellcheck source-path=SCRIPTDIR source=asking.sh
. "$scripts/asking.sh"

for argument in "$@"; do
    case $argument in
        --what-if) dry=yes ;;
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $argument" ;;
    esac
done
needs_az
[ -n "${OPERATORS_CLIENT_ID:-}" ] || stop "OPERATORS_CLIENT_ID is not set: infra/scripts/operators.sh prints it"
values=$(needed resourceGroupName functionAppName functionAppHost identityPrincipalId topicIds)
{ read -r group; read -r app; read -r host; read -r principal; read -r topics; } <<<"$values"
installation=${group#rg-}
description="Entra Responder $installation: canary of a deployment"
looks_at_most=60
if [ "$dry" = yes ]; then
    say "events: would give the app's identity the role Reader beside each of these and take it away again: $topics"
    exit
fi

# Also those that an earlier run left behind.
take_canaries() {
    local topic subscription
    for topic in $(lines "$topics"); do
        subscription=$(part "$topic" 2)
        assignments "$subscription" "[?description == '$description' && principalId == '$principal'].[id]" >"$scratch/canaries" || return
        while read -r canary; do
            az role assignment delete --ids "$canary" --subscription "$subscription" --output none || return
        done <"$scratch/canaries"
    done
}
gone=no
at_the_end() {
    [ "$gone" = yes ] || take_canaries || printf 'canary.sh: its role assignment may be left: run this again\n' >&2
    rm -rf "$scratch"
}
trap at_the_end EXIT

# What the doctor says of it, as the words of its report.
of_events() { awk '$2 == "events-arriving"' "$scratch/report"; }
is_seen() { [ "$(of_events | awk '{ print $1 }')" = ok ]; }

take_canaries
app_access "$group" "$app"
since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
for topic in $(lines "$topics"); do
    again az role assignment create --role Reader --assignee-object-id "$principal" --description "$description" \
        --assignee-principal-type ServicePrincipal --output none --subscription "$(part "$topic" 2)" \
        --scope "/subscriptions/$(part "$topic" 2)/resourceGroups/$(part "$topic" 4)"
done
say "events: waiting until a change of a role in each watched subscription has come round"
looks=0 began=$SECONDS
while :; do
    responder doctor --app "https://$host" --since "$since" >"$scratch/report" 2>&1 || : # it speaks of much else too
    if is_seen; then break; fi
    looks=$((looks + 1))
    if [ "$looks" -ge "$looks_at_most" ]; then
        if [ -n "$(of_events)" ]; then of_events; else cat "$scratch/report"; fi
        stop "a change of a role didn't come round: Event Grid doesn't reach the app, and such changes are noticed by the" \
            "snapshots alone; see the metrics of the system topic and the queue resource-events"
    fi
    sleep $((pause / 3))
done
say "events: they arrive from every watched subscription, within $((SECONDS - began + 1)) seconds"
take_canaries
gone=yes
