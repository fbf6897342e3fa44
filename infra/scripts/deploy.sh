#!/usr/bin/env bash
# deploy.sh [--tier watch|act] [--narrow] [--prune] [--what-if]
#
# Everything in order: looks first whether all that it needs is there, then infrastructure, permissions, code, and what
# follows the code, up to the doctor. Run it again after a failure, or after any change, to go on. What is deployed is
# read from the environment, as infra/main.bicepparam says. --what-if changes nothing and prints what would be changed.
# Where that would leave out what the last deployment had (a tenant, a subscription, a channel, the tier), it stops and
# lists it: --narrow says that it is meant. --prune takes away permissions and roles beyond the tier, and what is left in subscriptions that are no longer watched.
#
# Permissions come before the code: an identity's token is kept for up to 24 hours, so one that the app gets before it
# has its permissions is without them for as long.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=graph.sh
. "$scripts/graph.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"
# shellcheck source-path=SCRIPTDIR source=b2c.sh
. "$scripts/b2c.sh"
# shellcheck source-path=SCRIPTDIR source=preflight.sh
. "$scripts/preflight.sh"
# shellcheck source-path=SCRIPTDIR source=code.sh
. "$scripts/code.sh"
# shellcheck source-path=SCRIPTDIR source=passes.sh
. "$scripts/passes.sh"

RESPONDER_RUN="$(date -u +%Y-%m-%dT%H:%M:%SZ) $$" # tells this run from another one at the same time
export RESPONDER_RUN
tier_is_given=${RESPONDER_TIER:+yes} narrow=no
export RESPONDER_TIER=${RESPONDER_TIER:-watch}
options=()
prune=()
while [ $# -gt 0 ]; do
    case $1 in
        --tier)
            [ $# -gt 1 ] || misuse "--tier needs a value"
            RESPONDER_TIER=$2 tier_is_given=yes
            shift
            ;;
        --narrow) narrow=yes ;;
        --prune) prune=(--prune) ;;
        --what-if) dry=yes options=(--what-if) ;;
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $1" ;;
    esac
    shift
done
case $RESPONDER_TIER in watch | act) ;; *) misuse "the tier is $RESPONDER_TIER: it should be watch or act" ;; esac

# step SCRIPT ARGUMENTS…: one of the scripts beside this one.
step() {
    local script=$1
    shift
    "$scripts/$script" "$@" ${options[@]+"${options[@]}"}
}

# The settings need the ids of the responder in the B2C tenant, and its certificate needs the vault. What is there is asked
# of Azure and not of the last deployment, since one that failed has no outputs: an app that guards the tenant already is
# never deployed without it in between.
find_b2c() {
    local vault
    [ -n "${B2C_TENANT_ID:-}" ] || return 0
    if ! is_in_b2c; then
        say "B2C: not logged in there, its registration is left as it is"
        return
    fi
    read_b2c_ids
    vault=$(in_group Microsoft.KeyVault/vaults) || exit
    if [ -z "$vault" ]; then
        make_vault
        [ "$dry" = no ] || { say "B2C: would follow the infrastructure"; return; }
        vault=$(in_group Microsoft.KeyVault/vaults) || exit
    fi
    vaultName=$vault step grant.sh --b2c ${prune[@]+"${prune[@]}"}
    read_b2c_ids
}

make_vault() {
    local app
    app=$(in_group Microsoft.Web/sites) || exit
    if [ -n "$app" ] && [ -n "${B2C_CLIENT_ID:-}" ]; then infrastructure; else B2C_TENANT_ID='' infrastructure; fi
}

read_b2c_ids() {
    local ids
    ids=$(b2c_ids)
    if [ -n "$ids" ]; then export B2C_CLIENT_ID=${ids% *} B2C_RESPONDER_ID=${ids#* }; fi
}

# Whatever the end is, people hear of changes again.
at_the_end() {
    local status=$?
    trap - EXIT
    if [ "${quieted:-no}" = yes ]; then step quiet.sh off || step quiet.sh off || say "! run infra/scripts/quiet.sh off, or wait for an hour"; fi
    rm -rf "$scratch"
    exit "$status"
}
trap at_the_end EXIT

# Said before it is tried, since it may be done although az failed; another run's stays as it is.
quieten() { [ "$dry" = yes ] || quieted=yes; step quiet.sh on; }

preflight
plan_passes
say "all that a deployment needs is there"
register_providers
recover_vault
step orphans.sh
quieten
find_b2c
infrastructure
hand_on_outputs
if [ "$dry" = yes ] && [ -z "$identityPrincipalId" ]; then
    say "then: permissions (see infra/scripts/permissions.txt), code, alerts on silence, a canary, the doctor"
    exit
fi
quieten # on a first deployment there was nothing to keep quiet before
[ "$dry" = yes ] || step receivers.sh # at once, since an address has to be confirmed within half an hour
say "permissions of the identity:"
step grant.sh ${prune[@]+"${prune[@]}"}
step operators.sh --address
step references.sh
step deploy-code.sh
step stale-events.sh
[ "$dry" = no ] || exit 0
second_pass
step canary.sh
step receivers.sh --once
step quiet.sh off
quieted=no
step doctor.sh
