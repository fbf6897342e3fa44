# The deployment of infra/main.bicep, in one pass or two. Sourced by bash after preflight.sh, not run.
#
# What can't be had at once is asked for in a second pass, when the code is there: alerts on the app's silence, which
# would go off before it, and a locked evidence policy, since a new account has to begin unlocked.
# shellcheck shell=bash disable=SC2154,SC2034 # set in azure.sh and preflight.sh

# Decides what the first pass takes.
plan_passes() {
    asked_heartbeats=${ASKED_HEARTBEATS:-$(value heartbeats)}
    export RESPONDER_HEARTBEATS=$asked_heartbeats
    if ! has_code; then RESPONDER_HEARTBEATS=false; fi
}

# Whether the app has any function, however the code came there. Where that can't be told it counts as none: the alerts on
# silence are then off for the first pass and on after the second.
has_code() {
    local app functions
    app=$(found resource list --resource-group "$group" --resource-type Microsoft.Web/sites --query "[0].name" --output tsv) || exit
    [ -n "$app" ] || return 1
    functions=$(found functionapp function list --resource-group "$group" --name "$app" --query "length(@)" --output tsv) ||
        say "! whether the app has its code couldn't be told: see the line above"
    [ "${functions:-0}" != 0 ]
}

needs_second_pass() {
    [ "$RESPONDER_HEARTBEATS $EVIDENCE_LOCK" != "$asked_heartbeats $asked_evidence_lock" ]
}

# Always made: what-if leaves out what it can't foresee, so an answer of "nothing" means little.
infrastructure() {
    local arguments=(--name "$deployment" --location "$location" --parameters "$repository/infra/main.bicepparam")
    if [ "$dry" = yes ]; then
        say "infrastructure: what would change:"
        az deployment sub what-if "${arguments[@]}" --exclude-change-types NoChange Ignore
        return
    fi
    say "infrastructure: deploying; this takes some minutes"
    again az deployment sub create "${arguments[@]}" --output none
    say "infrastructure: done"
}

second_pass() {
    needs_second_pass || return 0
    say "second pass: alerts on silence $asked_heartbeats (were $RESPONDER_HEARTBEATS), evidence $asked_evidence_lock (was $EVIDENCE_LOCK)"
    export RESPONDER_HEARTBEATS=$asked_heartbeats EVIDENCE_LOCK=$asked_evidence_lock
    infrastructure
}
