#!/usr/bin/env bash
# orphans.sh [--what-if]
#
# Takes away role assignments of this installation whose holder is gone: an identity or an Event Grid topic that was made
# anew has another object id, and Azure refuses to change whom an assignment is for. Goes by what their descriptions
# begin with, in every subscription that is or was watched, and tells each one; a holder is gone when the directory says so.
# A lock in the way is lifted: the deployment that comes next puts it back.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"
# shellcheck source-path=SCRIPTDIR source=locks.sh
. "$scripts/locks.sh"
# shellcheck source-path=SCRIPTDIR source=holders.sh
. "$scripts/holders.sh"

for argument in "$@"; do
    case $argument in
        --what-if) dry=yes ;;
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $argument" ;;
    esac
done
needs_az
read_installation
own=$(own_subscription) || stop "not logged in: az login, then az account set --subscription ID"
stop_for_others "$own"

# Whatever can't be read stops the script, since what wasn't read would look like an orphan.
subscriptions=$(all_subscriptions '')
# shellcheck disable=SC2086 # a list
read_holders $subscriptions

for subscription in $subscriptions; do
    our_assignments "$subscription" >"$scratch/ours"
    while IFS=$'\t' read -r id holder scope description; do
        is=$(holder_is "$holder")
        [ "$is" != ours ] || continue
        if [ "$is" = theirs ]; then
            say "! $description in $subscription is held by $holder, which is there and not this installation's: it stays. An" \
                "identity that was deleted a moment ago may still show: run this again in some minutes"
            continue
        fi
        if [ "$(part "$scope" 3)" = resourceGroups ]; then
            over=$(locked_over "$scope")
            # shellcheck disable=SC2086 # a list; ids have no blanks
            unlock $over
        fi
        write role assignment delete --ids "$id" --subscription "$subscription" --output none
        say "- orphaned in $subscription: $description (held by $holder, which is gone)"
    done <"$scratch/ours"
done
