#!/usr/bin/env bash
# remove.sh --yes|--what-if [--topic-too]
#
# Takes the installation away to its end, in the order that Azure allows, and says what stays and until when: permissions
# in Microsoft Graph, locks, event subscriptions, export, roles and groups in watched subscriptions, then the same in its
# own. Each step makes sure of what is left: run it again after a failure. --what-if prints each command and changes
# nothing.
#
# Where another installation sends events through this one's Event Grid topic, it stops; --topic-too takes the topic away
# all the same: deploy the other one without EXISTING_TOPIC_IDS then (deploy.sh --narrow), which makes it a topic of its own.
#
# Evidence can't be deleted before its time, by anybody: while there is any, its storage account stays, and with it the
# resource group. Approvals go with the storage account: export them first (docs/operate.md).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=graph.sh
. "$scripts/graph.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"
# shellcheck source-path=SCRIPTDIR source=b2c.sh
. "$scripts/b2c.sh"
# shellcheck source-path=SCRIPTDIR source=locks.sh
. "$scripts/locks.sh"
# shellcheck source-path=SCRIPTDIR source=holders.sh
. "$scripts/holders.sh"
# shellcheck source-path=SCRIPTDIR source=unwatch.sh
. "$scripts/unwatch.sh"

sure=no topic_too=no options=()
for argument in "$@"; do
    case $argument in
        --yes) sure=yes ;;
        --topic-too) topic_too=yes ;;
        --what-if) dry=yes options=(--what-if) ;;
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $argument" ;;
    esac
done
[ "$sure" = yes ] || [ "$dry" = yes ] || misuse "this deletes the installation: --what-if shows what, --yes does it"
needs_az
read_installation
own=$RESPONDER_SUBSCRIPTION
stop_for_others "$own"
whose=$(whose "$own")
[ "$whose" != untagged ] || stop "the resource group $group has no tag entra-responder-home, so it isn't known" \
    "whose it is. If it is this installation's: az tag update --resource-id /subscriptions/$own/resourceGroups/$group --operation" \
    "merge --tags entra-responder-home=$own"
principal=$(found identity list --resource-group "$group" --query "[0].principalId" --output tsv)
subscriptions=$(all_subscriptions "$principal")
# shellcheck disable=SC2086 # a list
read_holders $subscriptions
say "removing $installation from $(printf '%s' "$subscriptions" | grep -c .) subscription(s)"

revoke_b2c() {
    if [ -z "${B2C_TENANT_ID:-}" ]; then
        [ -z "$guarded_b2c" ] || say "! what it may do in the B2C tenant $guarded_b2c stays. export B2C_TENANT_ID=$guarded_b2c," \
            "log in there, and run this again"
    elif is_in_b2c; then
        "$scripts/grant.sh" --b2c --revoke ${options[@]+"${options[@]}"}
    else
        say "! what it may do in the B2C tenant stays. $(how_to_log_in)"
    fi
}

# The group wasn't deleted. That is as it must be where the evidence account alone is left in it.
evidence_stays() {
    local still days
    still=$(found resource list --resource-group "$group" --query "[].name" --output tsv)
    if [ -z "$evidence" ] || [ "$still" != "$evidence" ]; then
        cat "$scratch/refused" >&2
        stop "the resource group $group wasn't deleted: see the line above, then run this again"
    fi
    days=$(az storage account show --resource-group "$group" --name "$evidence" --output tsv \
        --query "immutableStorageWithVersioning.immutabilityPolicy.immutabilityPeriodSinceCreationInDays")
    say "! the evidence stays, in $evidence, and with it the resource group: nobody can delete a piece of it until $days days" \
        "after it was written, and the account not before the last one: run this again then"
}

# Before anything is changed.
last=$(last_deployment)
guarded_b2c=
[ -z "$last" ] || guarded_b2c=$(found deployment sub show --name "$last" --query properties.parameters.b2cTenantId.value --output tsv)
if [ "$topic_too" = no ]; then
    for subscription in $subscriptions; do others_depend "$subscription"; done
fi

# First of all it can do nothing more.
if [ -n "$principal" ]; then "$scripts/grant.sh" --revoke --principal-id "$principal" ${options[@]+"${options[@]}"}; fi
revoke_b2c

# Nobody needs to hear of each thing that goes; the rule goes with the group.
"$scripts/quiet.sh" on ${options[@]+"${options[@]}"}

for subscription in $subscriptions; do
    [ "$subscription" = "$(lower "$own")" ] || unwatch "$subscription"
done

# The audit stream has a group of its own; its tenants' diagnostic settings name it.
stream_home=$(found group show --name "$group-stream" --subscription "$own" --query 'tags."entra-responder-home"' --output tsv)
if [ -n "$stream_home" ] && [ "$(lower "$stream_home")" = "$(lower "$own")" ]; then
    "$scripts/stream.sh" --off ${options[@]+"${options[@]}"} ||
        say "! the tenant's diagnostic setting stays, and names a hub that is gone: delete it in Entra, Diagnostic settings"
    group=$group-stream unlock_group "$own"
    write group delete --name "$group-stream" --subscription "$own" --yes --output none
    say "- resource group $group-stream"
fi
# The own subscription: what names the group's resources goes before them, since Azure keeps a role while it is assigned.
unlock_group "$own"
stop_events "$own"
stop_export "$own"
take_assignments "$own"
take_roles "$own" "/subscriptions/$own" "($installation, "
there=$(group_location "$own")
if [ -n "$there" ]; then
    vault=$(found resource list --resource-group "$group" --resource-type Microsoft.KeyVault/vaults --query "[0].name" --output tsv)
    evidence=$(found storage account list --resource-group "$group" --output tsv \
        --query "[?immutableStorageWithVersioning.enabled] | [0].name")
    [ -z "$evidence" ] || take_roles "$own" "/subscriptions/$own/resourceGroups/$group" "evidence keeper ($evidence)"
    workspace=$(found resource list --resource-group "$group" --resource-type Microsoft.OperationalInsights/workspaces \
        --query "[0].name" --output tsv)
    [ -z "$workspace" ] || take_roles "$own" "/subscriptions/$own/resourceGroups/$group" "log sender ($workspace)"
    if write group delete --name "$group" --subscription "$own" --yes --output none 2>"$scratch/refused"; then
        say "- resource group $group"
    else
        evidence_stays
    fi
fi

# The name keeps its region: the deployments that lay in this one stay in Azure's history, each bound to where it was made.
# A record without outputs goes on saying which that is.
region=$(found deployment sub show --name "$deployment" --query location --output tsv)
[ -n "$region" ] || region=$(found deployment sub show --name "$kept_outputs" --query location --output tsv)
kept=$(found deployment sub show --name "$kept_outputs" --query "to_string(properties.outputs.all.value)" --output tsv)
if [ -n "$region" ] && [ "$kept" != "{}" ]; then
    write deployment sub create --name "$kept_outputs" --location "$region" --output none \
        --template-file "$scripts/outputs.json" --parameters "outputs={}"
    say "- the outputs in the record $kept_outputs"
fi
recorded=$(found deployment sub show --name "$deployment" --query name --output tsv)
if [ -n "$recorded" ]; then
    write deployment sub delete --name "$deployment" --output none
    say "- the record of the deployment $deployment"
fi

say "What stays:"
[ -z "$region" ] || say "  the name $installation in $region: in another region an installation needs another AZURE_ENV_NAME"
[ -z "${vault:-}" ] || say "  the vault $vault, deleted, for 90 days: nobody may purge it, and a new installation of this name takes it back"
say "  the registrations \"${OPERATORS_APPLICATION_NAME:-Entra Responder operators}\"${B2C_TENANT_ID:+ and, in the B2C tenant, \"$b2c_name\"}: az ad app delete --id ID"
say "  the logs' workspace, deleted, for 14 days; what others' diagnostic settings sent there goes with it"
