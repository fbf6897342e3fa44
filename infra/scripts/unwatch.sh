# Takes what the installation has in one subscription away again: what sends events and logs from it, and what may be done
# in it. Sourced by bash after azure.sh, installation.sh, locks.sh and holders.sh, not run. Whoever calls this has read the
# holders before, while they are there. What belongs to another installation of the same name is left alone.
# shellcheck shell=bash disable=SC2154 # set in azure.sh and installation.sh

# others_depend SUBSCRIPTION: what others have on our topic there, which would go with it. Stops where there is any.
others_depend() {
    local topic prefix others whose
    whose=$(whose "$1") || return
    [ "$whose" != theirs ] || return 0
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
    local topic prefix setting there
    prefix=$(event_prefix) || return
    setting=${prefix}deliveries
    topics "$1" >"$scratch/topics" || return
    while read -r topic _; do
        event_subscriptions "$topic" "$prefix" >"$scratch/there" || return
        there=$(found monitor diagnostic-settings show --resource "$topic" --name "$setting" --query name --output tsv) || return
        if [ ! -s "$scratch/there" ] && [ -z "$there" ]; then continue; fi
        unlocked "$topic" stop_topic "$topic" "$there" || return
    done <"$scratch/topics"
}

# stop_topic TOPIC-ID SETTING: the same of one topic: its event subscriptions that were noted, and the setting, if there is one.
stop_topic() {
    local name event_subscription
    name=$(part "$1" 8)
    while read -r event_subscription; do
        take_event_subscription "$1" "$event_subscription" || return
    done <"$scratch/there"
    [ -n "$2" ] || return 0
    write monitor diagnostic-settings delete --resource "$1" --name "$2" --output none || return
    say "- diagnostic setting of $name"
}

# stop_export SUBSCRIPTION: the activity log's way to our workspace.
stop_export() {
    local name=entra-responder-$installation workspace own
    own=$(own_subscription) || return
    workspace=$(found monitor diagnostic-settings subscription list --subscription "$1" --output tsv \
        --query "value[?name == '$name'].workspaceId") || return
    case $(lower "$workspace") in
        '') return 0 ;;
        "/subscriptions/$(lower "$own")/resourcegroups/$(lower "$group")/"*) ;;
        *)
            say "! the export of the activity log of $1 goes to $workspace, which isn't this installation's: it stays"
            return 0
            ;;
    esac
    write monitor diagnostic-settings subscription delete --name "$name" --subscription "$1" --yes --output none || return
    say "- export of the activity log of $1"
}

# take_assignments SUBSCRIPTION: our role assignments, and tells each.
take_assignments() {
    local kind id holder scope what is each ids=() taken=()
    our_assignments "$1" >"$scratch/described-ours" || return
    with_kinds <"$scratch/described-ours" >"$scratch/taken" || return
    while IFS=$'\t' read -r kind id holder scope what; do
        is=ours
        [ "$kind" != none ] || is=$(stranger "$holder") || return
        if [ "$is" = theirs ]; then
            say "! $what on $scope is held by $holder, which isn't this installation's: it stays"
            continue
        fi
        ids+=("$id")
        taken+=("$what")
    done <"$scratch/taken"
    [ "${#ids[@]}" -gt 0 ] || return 0
    write role assignment delete --ids "${ids[@]}" --subscription "$1" --output none || return
    for each in "${taken[@]}"; do say "- $each (subscription $1)"; done
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
    local whose
    whose=$(whose "$1") || return
    [ "$whose" != ours ] || unlock_group "$1" || return
    stop_events "$1" || return
    stop_export "$1" || return
    take_assignments "$1" || return
    [ "$whose" != theirs ] || return 0 # and so are the roles of that name
    take_roles "$1" "/subscriptions/$1" "($installation, " || return
    case $whose in
        ours)
            write group delete --name "$group" --subscription "$1" --yes --output none || return
            say "- resource group $group of $1"
            ;;
        untagged) say "! the resource group $group of $1 has no tag entra-responder-home, so it isn't known whose it is: it stays" ;;
    esac
}
