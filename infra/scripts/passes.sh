# The deployment of infra/main.bicep, in one pass or two. Sourced by bash after preflight.sh and code.sh, not run.
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

# Whether there is an app, and its code is in it.
has_code() {
    local app
    app=$(in_group Microsoft.Web/sites) || exit
    [ -n "$app" ] && has_functions "$group" "$app"
}

needs_second_pass() {
    [ "$RESPONDER_HEARTBEATS $EVIDENCE_LOCK" != "$asked_heartbeats $asked_evidence_lock" ]
}

# What a deployment may be refused for that passes by itself. Event Grid takes no event subscription before it may write to
# the queue, and a role that the same deployment gave isn't everywhere at once.
passing="eventSubscriptions|$not_ready"
most_deployments=5

# Always made: what-if leaves out what it can't foresee, so an answer of "nothing" means little.
infrastructure() {
    local tries arguments=(--name "$deployment" --location "$location" --parameters "$repository/infra/main.bicepparam")
    if [ "$dry" = yes ]; then
        say "infrastructure: what would change:"
        az deployment sub what-if "${arguments[@]}" --exclude-change-types NoChange Ignore
        return
    fi
    say "infrastructure: deploying; this takes some minutes"
    tries=1
    until az deployment sub create "${arguments[@]}" --output none 2>"$scratch/refused"; do
        if [ "$tries" -ge "$most_deployments" ] || ! grep -Eiq "$passing" "$scratch/refused"; then
            cat "$scratch/refused" >&2
            return 1
        fi
        say "infrastructure: Azure isn't ready for all of it yet ($(grep -Eio "$passing" "$scratch/refused" | head -n 1)):" \
            "what was just made isn't known everywhere at once; try $tries of $most_deployments, the next in $((pause * 8)) seconds"
        tries=$((tries + 1))
        sleep $((pause * 8))
    done
    keep_outputs
    say "infrastructure: done"
}

second_pass() {
    needs_second_pass || return 0
    say "second pass: alerts on silence $asked_heartbeats (were $RESPONDER_HEARTBEATS), evidence $asked_evidence_lock (was $EVIDENCE_LOCK)"
    export RESPONDER_HEARTBEATS=$asked_heartbeats EVIDENCE_LOCK=$asked_evidence_lock
    infrastructure
}
