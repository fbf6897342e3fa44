#!/usr/bin/env bash
# orphans.sh [--what-if]
#
# Takes away role assignments of this installation whose holder is gone: an identity or an Event Grid topic that was made
# anew has another object id, and Azure refuses to change whom an assignment is for. Goes by what their descriptions
# begin with, in every subscription that is or was watched, and tells each one. A lock in the way is lifted: the deployment
# that comes next puts it back.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"
# shellcheck source-path=SCRIPTDIR source=locks.sh
. "$scripts/locks.sh"

for argument in "$@"; do
    case $argument in
        --what-if) dry=yes ;;
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $argument" ;;
    esac
done
needs_az
read_installation

# Who may hold them: the installation's identity, and those of topics, also in subscriptions that are no longer watched.
# Whatever can't be read stops the script, since what wasn't read would look like an orphan.
subscriptions=$(all_subscriptions '')
found identity list --resource-group "$group" --query "[].principalId" --output tsv >"$scratch/holders"
for subscription in $subscriptions; do
    topics "$subscription" >"$scratch/topics"
    cut -f 2 "$scratch/topics" >>"$scratch/holders"
done

for subscription in $subscriptions; do
    assignments "$subscription" "[?$(is_ours)].[id, principalId, scope, description]" >"$scratch/ours"
    while IFS=$'\t' read -r id holder scope description; do
        ! grep -qix "$holder" "$scratch/holders" || continue
        if [ "$(part "$scope" 3)" = resourceGroups ]; then
            over=$(locked_over "$scope")
            # shellcheck disable=SC2086 # a list; ids have no blanks
            unlock $over
        fi
        write role assignment delete --ids "$id" --subscription "$subscription" --output none
        say "- orphaned in $subscription: $description (held by $holder, which is gone)"
    done <"$scratch/ours"
done
