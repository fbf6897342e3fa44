#!/usr/bin/env bash
# canary.sh [--what-if]
#
# Proves that changes of Azure roles reach the app: in each watched subscription it gives the app's identity the role
# Reader on the resource group that the event topic is in, waits until the doctor has seen that change, says how long that
# took, and takes the role away again, whatever the outcome. Where a lock of yours would keep it from doing so it makes none.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"
# shellcheck source-path=SCRIPTDIR source=locks.sh
. "$scripts/locks.sh"
# shellcheck source-path=SCRIPTDIR source=asking.sh
. "$scripts/asking.sh"

only_what_if "$@"
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

# Also those that an earlier run left behind. One under a lock stays, and is named.
take_canaries() {
    local topic subscription canary locks
    for topic in $(lines "$topics"); do
        subscription=$(part "$topic" 2)
        assignments "$subscription" "[?description == '$description' && principalId == '$principal'].[id]" >"$scratch/canaries" || return
        while read -r canary; do
            locks=$(locks_above "$(beside "$topic")") || return
            if [ -n "$locks" ]; then
                say "! events: the canary $canary stays, since Azure deletes nothing under the lock" \
                    "$(printf '%s\n' "$locks" | in_a_row)"
                continue
            fi
            az role assignment delete --ids "$canary" --subscription "$subscription" --output none || return
        done <"$scratch/canaries"
    done
}

# beside TOPIC: the resource group that it is in.
beside() { printf '/subscriptions/%s/resourceGroups/%s' "$(part "$1" 2)" "$(part "$1" 4)"; }

gone=no
at_the_end() {
    [ "$gone" = yes ] || take_canaries || printf 'canary.sh: its role assignment may be left: run this again\n' >&2
    rm -rf "$scratch"
}
trap at_the_end EXIT

# What the doctor says of events, a line for each subscription; of those without a canary nothing is expected.
of_events() { awk '$2 == "events-arriving"' "$scratch/report" | grep -ivFf "$scratch/without"; }
is_seen() { of_events >"$scratch/seen" && ! awk '{ print $1 }' "$scratch/seen" | grep -qvx ok; }

take_canaries
# A role can't be taken away again under a lock on the group or the subscription, which is the owner's to lift.
: >"$scratch/without"
with=()
for topic in $(lines "$topics"); do
    locks=$(locks_above "$(beside "$topic")")
    if [ -z "$locks" ]; then
        with+=("$topic")
        continue
    fi
    part "$topic" 2 >>"$scratch/without"
    say "! events: no canary in the subscription $(part "$topic" 2), where Azure wouldn't let it be taken away again: lift the lock" \
        "$(printf '%s\n' "$locks" | in_a_row) and run infra/scripts/canary.sh; or give somebody a role and take it away, and see" \
        "whether the doctor's line events-arriving tells of it"
done
if [ "${#with[@]}" = 0 ]; then
    gone=yes
    exit
fi
app_access "$group" "$app"
# Azure's own time of the first one: the clock here may be another.
since=
for topic in "${with[@]}"; do
    at=$(again az role assignment create --role Reader --assignee-object-id "$principal" --description "$description" \
        --assignee-principal-type ServicePrincipal --output tsv --query createdOn --subscription "$(part "$topic" 2)" \
        --scope "$(beside "$topic")")
    since=${since:-$at}
done
[ -n "$since" ] || stop "Azure didn't say when it made the role assignment: run this again"
say "events: waiting until a change of a role in ${#with[@]} subscription(s) has come round"
looks=0 began=$SECONDS
while :; do
    responder doctor --app "https://$host" --since "$since" >"$scratch/report" 2>&1 || : # its other lines are of no interest here
    if is_seen; then break; fi
    looks=$((looks + 1))
    if [ "$looks" -ge "$looks_at_most" ]; then
        if [ -s "$scratch/seen" ]; then cat "$scratch/seen"; else cat "$scratch/report"; fi
        stop "a change of a role didn't come round: Event Grid doesn't reach the app, and such changes are noticed by the" \
            "snapshots alone; see the metrics of the system topic and the queue resource-events"
    fi
    sleep $((pause / 3))
done
say "events: they arrive from ${#with[@]} subscription(s), within $((SECONDS - began + 1)) seconds"
take_canaries
gone=yes
