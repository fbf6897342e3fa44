#!/usr/bin/env bash
# preprovision.sh
#
# What has to come before the infrastructure when Azure Developer CLI deploys: the same looks as deploy.sh takes, and the
# same preparations. What can't be had in the first pass is written into azd's environment; after-code.sh asks for it in
# a second one. What would be narrower than before stops it, unless RESPONDER_NARROW is set, which holds for one time.
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

for argument in "$@"; do
    case $argument in
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $argument" ;;
    esac
done
tier_is_given=${RESPONDER_TIER:+yes} narrow=${RESPONDER_NARROW:-no} how_to_narrow="azd env set RESPONDER_NARROW yes"
export RESPONDER_TIER=${RESPONDER_TIER:-watch}

# deploy.sh looks them up and registers; azd has the values that it begins with.
if [ -n "${B2C_TENANT_ID:-}" ] && { [ -z "${B2C_CLIENT_ID:-}" ] || [ -z "${B2C_RESPONDER_ID:-}" ]; }; then
    stop "B2C_TENANT_ID is set, and the app doesn't start without B2C_CLIENT_ID and B2C_RESPONDER_ID. infra/scripts/grant.sh" \
        "--b2c registers the responder there and prints them; it needs the vault, so without one: azd env set" \
        "B2C_TENANT_ID '', then azd up. Then azd env set each of the three, and azd up"
fi

preflight
azd env set RESPONDER_NARROW ""
plan_passes
azd env set RESPONDER_HEARTBEATS "$RESPONDER_HEARTBEATS"
azd env set ASKED_HEARTBEATS "$asked_heartbeats"
azd env set EVIDENCE_LOCK "$EVIDENCE_LOCK"
azd env set ASKED_EVIDENCE_LOCK "$asked_evidence_lock"
[ -z "${EVIDENCE_DAYS:-}" ] || azd env set EVIDENCE_DAYS "$EVIDENCE_DAYS"
register_providers
recover_vault
"$scripts/orphans.sh"
"$scripts/quiet.sh" on
