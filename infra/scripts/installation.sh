# Which installation this is, and where it is: by the values of infra/main.bicepparam and by the tags of its resource
# groups. Sourced by bash after azure.sh, not run.
# shellcheck shell=bash disable=SC2154,SC2034 # set in azure.sh; set for the scripts that source this

# Reads the values that a deployment with this environment would have. The compiler refuses what makes no sense.
read_values() {
    az bicep build-params --file "$repository/infra/main.bicepparam" --stdout >"$scratch/built" 2>"$scratch/said" || {
        cat "$scratch/said" >&2
        stop "infra/main.bicepparam can't be read with these values: see the line above"
    }
    python3 "$scripts/values.py" <"$scratch/built" >"$scratch/values" || stop "infra/main.bicepparam can't be read"
    rm "$scratch/built"
    local name text
    while IFS=$'\t' read -r name text; do printf -v "value_$name" '%s' "$text"; done <"$scratch/values"
    installation=$(value prefix)-$(value environmentName)
    group=rg-$installation
    export RESPONDER_INSTALLATION=$installation
}

# For scripts that need to know no more than which installation it is: from the script that calls them, from what was
# deployed, or from the values, in this order.
read_installation() {
    local deployed=''
    if [ -z "${RESPONDER_INSTALLATION:-}" ]; then
        deployed=$(outputs resourceGroupName) || exit
        if [ -n "$deployed" ]; then RESPONDER_INSTALLATION=${deployed#rg-}; else read_values; fi
    fi
    RESPONDER_SUBSCRIPTION=$(own_subscription) || stop "not logged in: az login, then az account set --subscription ID"
    export RESPONDER_INSTALLATION RESPONDER_SUBSCRIPTION
    installation=$RESPONDER_INSTALLATION
    group=rg-$installation
}

# value NAME: one of these values.
value() {
    local name=value_$1
    printf '%s\n' "${!name:-}"
}

# The subscription that az is set to, in which the installation is: from the script that calls this one, or from az.
own_subscription() {
    if [ -n "${RESPONDER_SUBSCRIPTION:-}" ]; then
        printf '%s\n' "$RESPONDER_SUBSCRIPTION"
    else
        az account show --query id --output tsv
    fi
}

# once: ids on standard input, each once in whatever spelling.
once() { awk '{ gsub(/ /, ""); $0 = tolower($0) } NF && !seen[$0]++'; }

# The subscriptions that are to be watched, one a line, the own one first.
watched_subscriptions() { { own_subscription && lines "${WATCHED_SUBSCRIPTION_IDS:-}"; } | once; }

# The same, those that the last deployment watches, and the one with the workspace that counts sign-ins.
deployed_subscriptions() {
    local deployed
    deployed=$(outputs subscriptionIds) || return
    {
        watched_subscriptions || exit
        lines "$deployed"
        [ -z "${SIGN_IN_WORKSPACE_ID:-}" ] || printf '%s\n' "$(part "$SIGN_IN_WORKSPACE_ID" 2)"
    } | once
}

# Subscriptions in which the installation ever was, one a line, as Azure Resource Graph knows: by its resource groups,
# and by what its identity ($1, or empty) holds. It lags behind by some minutes, so what it says is looked up again.
known_subscriptions() {
    local query own
    own=$(own_subscription) || return
    query="resourcecontainers | where type =~ 'microsoft.resources/subscriptions/resourcegroups' and name =~ '$group' \
and tags['entra-responder-home'] =~ '$own' | project subscriptionId"
    [ -z "$1" ] || query="$query | union (authorizationresources | where type =~ 'microsoft.authorization/roleassignments' \
and tostring(properties.principalId) =~ '$1' | project subscriptionId)"
    az rest --method post --url "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01" \
        --headers Content-Type=application/json --body "{\"query\": \"$query | distinct subscriptionId\"}" \
        --query "data[].subscriptionId" --output tsv | once
}

# All of these together.
all_subscriptions() { { deployed_subscriptions && known_subscriptions "$1"; } | once; }

# An installation is known by its name and its home: the subscription that it was deployed to, whose id its groups have as a
# tag. Another of the same name may have its home elsewhere.

# group_home SUBSCRIPTION: the home of the resource group of that name there; the word untagged where none is said, and nothing
# where there is no such group.
group_home() {
    local there='' home=''
    found group show --name "$group" --subscription "$1" --query "['there', tags.\"entra-responder-home\"]" --output tsv \
        >"$scratch/home" || return
    { read -r there && read -r home; } <"$scratch/home" || :
    [ -z "$there" ] || lower "${home:-untagged}"
}

# whose SUBSCRIPTION: whose that resource group is: ours, theirs, untagged, or nothing where there is none. One that is ours
# is looked up once.
whose() {
    local home own
    [ ! -e "$scratch/ours-$1" ] || { printf ours; return; }
    home=$(group_home "$1") || return
    own=$(own_subscription) || return
    case $home in
        '' | untagged) printf '%s' "$home" ;;
        "$(lower "$own")")
            printf ours
            : >"$scratch/ours-$1"
            ;;
        *) printf theirs ;;
    esac
}

# stop_for_others SUBSCRIPTION: stops where that resource group is another installation's.
stop_for_others() {
    local whose home
    whose=$(whose "$1") || exit
    [ "$whose" = theirs ] || return 0
    home=$(group_home "$1") || exit
    stop "the resource group $group of the subscription $1 belongs to an installation of the same name, which was deployed to" \
        "the subscription $home: az account set --subscription $home if you mean that one, or give this one another name" \
        "(AZURE_ENV_NAME)"
}

# group_location SUBSCRIPTION: the region of its group there; nothing where there is none.
group_location() { found group show --name "$group" --subscription "$1" --query location --output tsv; }

# The name of the installation's last deployment, whatever its end was: Azure Developer CLI and the portal choose other
# names than deploy.sh. Nothing where there was none.
last_deployment() {
    found deployment sub list --output tsv --query "[?name == '$deployment' || properties.outputs.resourceGroupName.value ==
        '$group'] | sort_by(@, &properties.timestamp) | [-1].name"
}

# in_group TYPE: the name of the installation's resource of this type; nothing where there is none.
in_group() { found resource list --resource-group "$group" --resource-type "$1" --query "[0].name" --output tsv; }

# assignments SUBSCRIPTION QUERY: role assignments in a subscription, at whatever scope.
assignments() {
    found role assignment list --all --subscription "$1" --fill-principal-name false --query "$2" --output tsv
}

# our_assignments SUBSCRIPTION: its role assignments there: id, holder, scope, and what each is for. Those of another
# installation of the same name look alike: where the resource group is its, so is what is on that or on the subscription.
our_assignments() {
    local whose id holder scope what
    whose=$(whose "$1") || return
    assignments "$1" "[?$(is_ours)].[id, principalId, scope, description]" >"$scratch/described" || return
    [ "$whose" = theirs ] || { cat "$scratch/described"; return; }
    while IFS=$'\t' read -r id holder scope what; do
        case $(lower "$scope/") in
            "/subscriptions/$1/" | "/subscriptions/$1/resourcegroups/$(lower "$group")/"*) ;;
            *) printf '%s\t%s\t%s\t%s\n' "$id" "$holder" "$scope" "$what" ;;
        esac
    done <"$scratch/described"
}

# What the descriptions of its role assignments begin with, as a query.
is_ours() { printf "description && starts_with(description, 'Entra Responder %s: ')" "$installation"; }

# topics SUBSCRIPTION: the subscription's system topics of its own changes: id and the object id of its identity.
topics() {
    found eventgrid system-topic list --subscription "$1" --output tsv --query \
        "[?contains(['microsoft.resources.subscriptions', 'Microsoft.Resources.Subscriptions'], topicType)].[id, identity.principalId]"
}

# part ID NUMBER: a part of a resource id: 2 is the subscription, 4 the resource group, 8 the name.
part() {
    local parts
    IFS=/ read -ra parts <<<"$1"
    printf '%s\n' "${parts[$2]:-}"
}

# What the names of its event subscriptions begin with: as it was deployed, or by the name of its identity, which ends alike.
event_prefix() {
    local prefix identity
    prefix=$(outputs eventSubscriptionPrefix) || return
    if [ -z "$prefix" ]; then
        identity=$(found identity list --resource-group "$group" --query "[0].name" --output tsv) || return
        [ -z "$identity" ] || prefix=entra-responder-${identity##*-}-
    fi
    printf '%s' "$prefix"
}

# take_event_subscription TOPIC-ID NAME: one of them, and tells it.
take_event_subscription() {
    write eventgrid system-topic event-subscription delete --subscription "$(part "$1" 2)" --resource-group "$(part "$1" 4)" \
        --system-topic-name "$(part "$1" 8)" --name "$2" --yes --output none || return
    say "- event subscription $2 of $(part "$1" 8)"
}

# event_subscriptions TOPIC-ID PREFIX: the installation's event subscriptions of a topic; those of others stay out of it.
event_subscriptions() {
    [ -n "$2" ] || return 0
    found eventgrid system-topic event-subscription list --subscription "$(part "$1" 2)" --resource-group "$(part "$1" 4)" \
        --system-topic-name "$(part "$1" 8)" --query "[?starts_with(name, '$2')].name" --output tsv
}
