#!/usr/bin/env bash
# orphans.sh [--what-if]
#
# Takes away role assignments of this installation whose holder is gone: an identity or an Event Grid topic that was made
# anew has another object id, and Azure refuses to change whom an assignment is for. Goes by what their descriptions
# begin with, in every subscription that is or was watched, and lists each one; a holder is gone when the directory says so.
#
# Takes away, too, a role that somebody gave back by hand in place of one of ours: Azure refuses to give it a second time, and
# the deployment that comes next gives it, as it should be. A lock in the way is lifted; that deployment puts it back.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"
# shellcheck source-path=SCRIPTDIR source=locks.sh
. "$scripts/locks.sh"
# shellcheck source-path=SCRIPTDIR source=holders.sh
. "$scripts/holders.sh"

only_what_if "$@"
needs_az
read_installation
own=$RESPONDER_SUBSCRIPTION
stop_for_others "$own"

# Whatever can't be read stops the script, since what wasn't read would look like an orphan.
subscriptions=$(all_subscriptions '')
# shellcheck disable=SC2086 # a list
read_holders $subscriptions

# take ID SCOPE: a role assignment, in the subscription that is looked at.
take() {
    local over
    if [ "$(part "$2" 3)" = resourceGroups ]; then
        over=$(locked_over "$2")
        # shellcheck disable=SC2086 # a list; ids have no blanks
        unlock $over
    fi
    write role assignment delete --ids "$1" --subscription "$subscription" --output none
}

# is_given KIND-OF-HOLDER ROLE-ID ROLE-NAME SCOPE: whether the deployment to come gives this very role on this.
is_given() {
    local role=${2##*/} place
    place=$(lower "$4")
    case $3 in
        "Entra Responder watch ($installation, "*) role=custom ;;
        "Entra Responder act ($installation, "*)
            [ "${RESPONDER_TIER:-watch}" = act ] || return 1
            role=custom
            ;;
        "Entra Responder evidence keeper ("*) role=custom ;;
        "Entra Responder log sender ("*)
            [ "${RESPONDER_TIER:-watch}" = act ] || return 1
            role=custom
            ;;
    esac
    case $place in
        "/subscriptions/$(lower "$own")/resourcegroups/$(lower "$group")/providers/"*) ;;
        /subscriptions/*/*) [ "$place" = "$(lower "${SIGN_IN_WORKSPACE_ID:-}")" ] || return 1 ;;
        /subscriptions/*) grep -qx "${place##*/}" "$scratch/watched" || return 1 ;;
        *) return 1 ;;
    esac
    # A type is what stands in every other place of an id.
    place=$(printf '%s' "$place" | awk -F / '{ type = $7; for (at = 8; at <= NF; at += 2) type = type "/" $at; print type }')
    grep -qix "$role ${place:-subscription} $1" "$scratch/given"
}

python3 "$scripts/given_roles.py" <"$repository/infra/compiled/main.json" >"$scratch/given" ||
    stop "which roles a deployment gives can't be read from infra/compiled/main.json"
watched_subscriptions >"$scratch/watched"
for subscription in $subscriptions; do
    assignments "$subscription" "[?!($(is_ours))].[id, principalId, roleDefinitionId, roleDefinitionName, scope]" >"$scratch/all"
    with_kinds <"$scratch/all" >"$scratch/others"
    while IFS=$'\t' read -r kind id _ role name scope; do
        if [ "$kind" = none ] || ! is_given "$kind" "$role" "$name" "$scope"; then continue; fi
        take "$id" "$scope"
        say "- given by hand in $subscription: $name on $scope, which the deployment gives under a name of its own"
    done <"$scratch/others"
done

for subscription in $subscriptions; do
    our_assignments "$subscription" >"$scratch/all"
    with_kinds <"$scratch/all" >"$scratch/ours"
    while IFS=$'\t' read -r kind id holder scope description; do
        [ "$kind" = none ] || continue
        is=$(stranger "$holder")
        if [ "$is" = theirs ]; then
            say "! $description in $subscription is held by $holder, which is there and not this installation's: it stays. An" \
                "identity that was deleted a moment ago may still show: run this again in some minutes"
            continue
        fi
        take "$id" "$scope"
        say "- orphaned in $subscription: $description (held by $holder, which is gone)"
    done <"$scratch/ours"
done
