# Takes what the installation has in one subscription away again: what sends events and logs from it, and what may be done
# in it. Sourced by bash after azure.sh, installation.sh and locks.sh, not run.
# shellcheck shell=bash disable=SC2154 # set in azure.sh and installation.sh

# others_depend SUBSCRIPTION: what others have on our topic there, which would go with it. Stops where there is any.
others_depend() {
    local topic prefix others
    prefix=$(event_prefix) || return
    topics "$1" >"$scratch/topics" || return
    while read -r topic _; do
        case $(lower "$topic") in *"/resourcegroups/$(lower "$group")/"*) ;; *) continue ;; esac
        others=$(found eventgrid system-topic event-subscription list --subscription "$1" --resource-group "$group" \
            --system-topic-name "$(part "$topic" 8)" --query "[?!starts_with(name, '$prefix')].name" --output tsv) || return
        [ -z "$others" ] || stop "the system topic $topic is ours and others have event subscriptions on it, which would go" \
            "with it: $(printf '%s' "$others" | tr '\n' ' '). Delete these first, or: remove.sh --topic-too"
    done <"$scratch/topics"
}

# stop_events SUBSCRIPTION: the event subscriptions, and the logs of their delivery, of whichever topic they are.
stop_events() {
    local topic name event_subscription prefix setting there
    prefix=$(event_prefix) || return
    setting=${prefix}deliveries
    topics "$1" >"$scratch/topics" || return
    while read -r topic _; do
        name=$(part "$topic" 8)
        event_subscriptions "$topic" "$prefix" >"$scratch/there" || return
        while read -r event_subscription; do
            unlocked "$topic" write eventgrid system-topic event-subscription delete --subscription "$1" --yes --output none \
                --resource-group "$(part "$topic" 4)" --system-topic-name "$name" --name "$event_subscription" || return
            say "- event subscription $event_subscription of $name"
        done <"$scratch/there"
        there=$(found monitor diagnostic-settings show --resource "$topic" --name "$setting" --query name --output tsv) || return
        [ -n "$there" ] || continue
        unlocked "$topic" write monitor diagnostic-settings delete --resource "$topic" --name "$setting" --output none || return
        say "- diagnostic setting of $name"
    done <"$scratch/topics"
}

# stop_export SUBSCRIPTION: the activity log's way to our workspace.
stop_export() {
    local there
    there=$(found monitor diagnostic-settings subscription list --subscription "$1" --output tsv \
        --query "value[?name == 'entra-responder-$installation'].name") || return
    [ -n "$there" ] || return 0
    write monitor diagnostic-settings subscription delete --name "$there" --subscription "$1" --yes --output none || return
    say "- export of the activity log of $1"
}

# take_assignments SUBSCRIPTION QUERY: role assignments, and tells each.
take_assignments() {
    local id what
    assignments "$1" "$2.[id, description || roleDefinitionName]" >"$scratch/taken" || return
    while IFS=$'\t' read -r id what; do
        write role assignment delete --ids "$id" --subscription "$1" --output none || return
        say "- $what (subscription $1)"
    done <"$scratch/taken"
}

# take_roles SUBSCRIPTION SCOPE NAME: our custom roles whose names have this in them. Azure keeps a role while it is assigned.
take_roles() {
    local role name
    found role definition list --custom-role-only true --subscription "$1" --scope "$2" --output tsv \
        --query "[?contains(roleName, '$3')].[name, roleName]" >"$scratch/custom" || return
    while IFS=$'\t' read -r role name; do
        again write role definition delete --name "$role" --subscription "$1" --scope "$2" --output none || return
        say "- role $name"
    done <"$scratch/custom"
}

# unwatch SUBSCRIPTION: a subscription that is watched beside the one in which the installation is.
unwatch() {
    local there
    unlock_group "$1" || return
    stop_events "$1" || return
    stop_export "$1" || return
    take_assignments "$1" "[?$(is_ours)]" || return
    take_roles "$1" "/subscriptions/$1" "($installation, " || return
    there=$(group_location "$1") || return
    [ -n "$there" ] || return 0
    write group delete --name "$group" --subscription "$1" --yes --output none || return
    say "- resource group $group of $1"
}
