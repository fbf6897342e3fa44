# Everything that a deployment needs, looked at before anything is changed. Sourced by bash after azure.sh, graph.sh,
# installation.sh and b2c.sh, not run. Each function looks at one thing and stops with what to do about it.
#
# It leaves behind: what installation.sh sets, $subscription, $watched, $missing_providers, $deleted_vault, and the evidence lock
# that can be had in this pass (EVIDENCE_LOCK, EVIDENCE_DAYS) beside the one that was asked for.
# shellcheck shell=bash disable=SC2154,SC2034 # set in azure.sh; set for the scripts that source this

most_diagnostic_settings=5 # of one subscription
vault_api=2023-07-01
guid='^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'

preflight() {
    check_tools
    check_names
    check_login
    check_nothing_runs
    watched=$(watched_subscriptions)
    read_values
    check_values
    for each in $watched; do stop_for_others "$each"; done
    check_location
    check_nothing_is_lost
    check_runtime
    check_b2c_login
    find_deleted_vault
    [ -n "$deleted_vault" ] || check_secrets
    find_providers
    for each in $watched; do
        check_diagnostic_settings "$each"
        check_topic "$each"
    done
    read_evidence_lock
}

check_tools() {
    local name
    needs_az
    for name in git python3; do
        type -P "$name" >/dev/null || stop "$name was not found: install it, then run this again"
    done
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        stop "python3 is older than 3.10: put a newer one first on the PATH, then run this again"
    responder permissions --plain >"$scratch/declared" 2>&1 || stop "the responder's command line isn't set up. Either" \
        "make setup, or: python3.13 -m venv .venv && .venv/bin/pip install --require-hashes -r requirements.txt"
    cmp -s "$scratch/declared" "$scripts/permissions.txt" || stop "infra/scripts/permissions.txt isn't what the" \
        "declarations need: responder permissions --plain writes it anew"
}

check_names() {
    local missing=
    [ -n "${OPERATORS_CLIENT_ID:-}" ] || missing="$missing
  OPERATORS_CLIENT_ID: infra/scripts/operators.sh makes the registration and prints it"
    [ -n "${EMERGENCY_ACCOUNT_IDS:-}" ] || missing="$missing
  EMERGENCY_ACCOUNT_IDS: object ids of the break-glass accounts, with commas (az ad user show --id NAME --query id)"
    [ -n "${ALERT_EMAIL:-}" ] || missing="$missing
  ALERT_EMAIL: the address that hears of trouble with the responder itself"
    [ -z "$missing" ] || stop "not set:$missing"
    case $RESPONDER_TIER in watch | act) ;; *) stop "the tier is $RESPONDER_TIER: it should be watch or act" ;; esac
    case $ALERT_EMAIL in *?@?*) ;; *) stop "ALERT_EMAIL is $ALERT_EMAIL: it should be an e-mail address" ;; esac
}

check_login() {
    local cloud name user
    az account show --query "[id, environmentName, name, user.name]" --output tsv >"$scratch/account" 2>/dev/null ||
        stop "not logged in: az login, then az account set --subscription ID"
    { read -r subscription; read -r cloud; read -r name; read -r user; } < <(tr '\t' '\n' <"$scratch/account")
    [ "$cloud" = AzureCloud ] || stop "az is set to the cloud $cloud: only AzureCloud is supported, since the addresses of" \
        "Microsoft Graph and Log Analytics differ elsewhere; az cloud set --name AzureCloud, then az login"
    [ "$(lower "${AZURE_SUBSCRIPTION_ID:-$subscription}")" = "$subscription" ] || stop "az is set to the subscription" \
        "$subscription and AZURE_SUBSCRIPTION_ID is $AZURE_SUBSCRIPTION_ID: az account set --subscription $AZURE_SUBSCRIPTION_ID"
    export RESPONDER_SUBSCRIPTION=$subscription
    say "$deployment, tier $RESPONDER_TIER, to $location in $subscription $name as $user"
}

# Azure takes no deployment while one of its name runs, and one goes on there whatever became of the terminal.
check_nothing_runs() {
    local state since
    found deployment sub show --name "$deployment" --output tsv --query "[properties.provisioningState, properties.timestamp]" \
        >"$scratch/running" || exit
    { read -r state; read -r since; } < <(cat "$scratch/running"; echo; echo)
    case $state in
        '' | Succeeded | Failed | Canceled) ;;
        *) stop "the deployment $deployment is under way ($state since $since), by somebody else or by a run that was" \
            "interrupted: wait until it has ended (az deployment sub wait --name $deployment --custom" \
            "\"properties.provisioningState!='Running'\"), or end it (az deployment sub cancel --name $deployment), then run this again" ;;
    esac
}

# What the compiler can't know: which letters names may have, and what an id looks like.
check_values() {
    local id
    [[ $(value prefix) =~ ^[a-z0-9]{3,9}$ ]] || stop "the prefix is $(value prefix): it should be 3 to 9 lower-case" \
        "letters and digits, because storage accounts allow no others"
    [[ $(value environmentName) =~ ^[A-Za-z0-9-]{1,40}$ ]] || stop "AZURE_ENV_NAME is $(value environmentName): it" \
        "should be letters, digits and hyphens, 40 at most"
    for id in $(lines "$(value operatorsClientId),$(value emergencyAccountIds),$(value protectedPrincipalIds)") $watched; do
        [[ $(lower "$id") =~ $guid ]] || stop "$id isn't an id: OPERATORS_CLIENT_ID, EMERGENCY_ACCOUNT_IDS," \
            "PROTECTED_PRINCIPAL_IDS and WATCHED_SUBSCRIPTION_IDS take ids alone, with commas between them"
    done
}

# A deployment keeps its region for ever, with those that lie in it and also when it is deleted, and so does a resource
# group. remove.sh leaves the record $kept_outputs, which says where it was.
check_location() {
    local name deployed there each
    for name in "$deployment" "$kept_outputs"; do
        deployed=$(found deployment sub show --name "$name" --query location --output tsv)
        [ -z "$deployed" ] || same_region "$deployed" "$location" || stop "$deployment is or was deployed from" \
            "$deployed and AZURE_LOCATION is $location: a region can't be changed. export AZURE_LOCATION=$deployed, or give" \
            "the other region an environment of its own (AZURE_ENV_NAME)"
    done
    for each in $watched; do
        there=$(group_location "$each")
        [ -z "$there" ] || same_region "$there" "$location" || stop "the resource group $group of the" \
            "subscription $each is in $there and AZURE_LOCATION is $location: export AZURE_LOCATION=$there, or give the" \
            "other region an environment of its own (AZURE_ENV_NAME)"
    done
}

# westeurope is also called "West Europe".
same_region() { [ "$(lower "$1" | tr -d ' ')" = "$(lower "$2" | tr -d ' ')" ]; }

# A new shell knows nothing of what was exported in another, and an empty variable is as good as a wish. So what the last
# deployment had and this one wouldn't is listed first; $narrow says that it is meant.
check_nothing_is_lost() {
    local last left_out=(heartbeats b2cClientId b2cResponderId) # plan_passes decides, and the registration says
    [ "${narrow:-no}" != yes ] || return 0
    last=$(last_deployment) || exit
    [ -n "$last" ] || return 0
    [ -z "${tier_is_given:-}" ] || left_out+=(tier)
    az deployment sub show --name "$last" --query properties.parameters --output json >"$scratch/before" || exit
    python3 "$scripts/narrower.py" "$scratch/values" "$repository/infra/main.bicepparam" "${left_out[@]}" \
        <"$scratch/before" >"$scratch/narrower" || stop "what the last deployment had can't be compared with this one"
    [ -s "$scratch/narrower" ] || return 0
    stop "the deployment $last had these, and this one would take them away:"$'\n'"$(cat "$scratch/narrower")"$'\n'"Export" \
        "them (a new shell doesn't know what another one exported), or, if it is meant: ${how_to_narrow:-deploy.sh --narrow}"
}

check_runtime() {
    local wanted offered
    wanted=$(cut -d . -f 1,2 "$repository/.python-version")
    offered=$(az functionapp list-flexconsumption-runtimes --location "$location" --runtime python --query "[].version" \
        --output tsv) || stop "what Flex Consumption offers in $location can't be read: is that a region of Azure with it?" \
        "az functionapp list-flexconsumption-locations"
    printf '%s\n' "$offered" | grep -qx "$wanted" || stop "Flex Consumption in $location offers Python" \
        "$(printf '%s' "$offered" | tr '\n' ' ')" "and not $wanted: take another region (AZURE_LOCATION)"
}

# A vault that was deleted keeps its name for 90 days, and nobody may purge ours: it is taken back, where it was.
find_deleted_vault() {
    local there
    az keyvault list-deleted --resource-type vault --output tsv --query "[?contains(properties.vaultId,
        '/resourceGroups/$group/') && properties.tags.\"entra-responder\"] | [0].[name, properties.location]" >"$scratch/vault"
    { read -r deleted_vault; read -r there; } < <(cat "$scratch/vault"; echo; echo)
    [ -z "$deleted_vault" ] || same_region "$there" "$location" || stop "the deleted vault $deleted_vault of an" \
        "installation of this name was in $there, keeps its name for 90 days, and comes back there alone; AZURE_LOCATION is" \
        "$location: export AZURE_LOCATION=$there, or give the other region an environment of its own (AZURE_ENV_NAME)"
}

recover_vault() {
    local there
    [ -n "$deleted_vault" ] || return 0
    there=$(group_location "$subscription")
    if [ -z "$there" ]; then
        write group create --name "$group" --location "$location" --output none --tags \
            "azd-env-name=$(value environmentName)" "entra-responder=$(value prefix)" \
            "entra-responder-home=$subscription"
    fi
    write keyvault recover --name "$deleted_vault" --output none # to the group and the region that it was in
    say "+ the deleted vault $deleted_vault is back, with the secrets that it had"
    [ "$dry" = yes ] || check_secrets
}

check_secrets() {
    check_secret TEAMS_WEBHOOK_URL teams-webhook-url "$(value pageByTeams)" "$(value teamsWebhookUrl)" PAGE_BY_TEAMS
    check_secret PAGERDUTY_ROUTING_KEY pagerduty-routing-key "$(value pageByPagerDuty)" "$(value pagerDutyRoutingKey)" \
        PAGE_BY_PAGERDUTY
    check_secret EMERGENCY_CODES emergency-codes "$(value oneTimeCodes)" "$(value emergencyCodes)" ONE_TIME_CODES
    check_secret STATE_KEYS state-keys "$(value signState)" "$(value stateKeys)" SIGN_STATE
    check_secret PAGERDUTY_WEBHOOK_SECRETS pagerduty-webhook-secrets "$(value hearPagerDuty)" \
        "$(value pagerDutyWebhookSecrets)" HEAR_PAGERDUTY
}

# check_secret VARIABLE SECRET WANTED GIVEN SWITCH
check_secret() {
    local vault enabled=''
    [ "$3" = true ] && [ -z "$4" ] || return 0
    vault=$(found resource list --resource-group "$group" --resource-type Microsoft.KeyVault/vaults --query "[0].id" --output tsv)
    [ -z "$vault" ] || enabled=$(found resource show --ids "$vault/secrets/$2" --api-version "$vault_api" \
        --query "to_string(properties.attributes.enabled)" --output tsv)
    case $(lower "$enabled") in
        true) ;;
        false) stop "the secret $2 in the vault $(part "$vault" 8) is switched off: switch it on, or $5=false" ;;
        *) stop "$5 is true, and there is no secret for it: export $1 (needed once; the vault keeps it as $2), or $5=false" ;;
    esac
}

# Which resource providers aren't registered: a line each with the subscription.
find_providers() {
    local each own="Microsoft.App Microsoft.KeyVault Microsoft.ManagedIdentity Microsoft.OperationalInsights"
    own="$own Microsoft.Storage Microsoft.Web"
    [ "$(value auditStream)" != true ] || own="$own Microsoft.EventHub"
    missing_providers=
    for each in $watched; do
        # shellcheck disable=SC2086 # a list
        missing_in "$each" Microsoft.AlertsManagement Microsoft.EventGrid Microsoft.Insights $own
        own=
    done
}

missing_in() {
    local in=$1 namespace
    shift
    az provider list --subscription "$in" --query "[?registrationState=='Registered'].namespace" --output tsv \
        >"$scratch/registered" || stop "the subscription $in can't be read: is it right, and may you?"
    printf '%s\n' "$@" | awk -v registered="$scratch/registered" '
        BEGIN { while ((getline < registered) > 0) there[tolower($0)] }
        !(tolower($0) in there)' >"$scratch/missing"
    while read -r namespace; do missing_providers="$missing_providers$in $namespace"$'\n'; done <"$scratch/missing"
}

register_providers() {
    local in namespace
    while read -r in namespace; do
        [ -n "$in" ] || continue
        say "+ provider $namespace in $in"
        write provider register --namespace "$namespace" --subscription "$in" --wait
    done <<<"$missing_providers"
}

check_diagnostic_settings() {
    local foreign
    foreign=$(az monitor diagnostic-settings subscription list --subscription "$1" --output tsv \
        --query "value[?name != 'entra-responder-$installation'].name")
    [ "$(printf '%s' "$foreign" | grep -c .)" -lt "$most_diagnostic_settings" ] || stop "the subscription $1 has" \
        "$most_diagnostic_settings diagnostic settings, as many as Azure allows, and none is ours: delete one of" \
        "$(printf '%s' "$foreign" | tr '\n' ' ') (az monitor diagnostic-settings subscription delete)"
}

# Azure allows one system topic for each subscription.
check_topic() {
    local given id principal
    given=$(lower ",$(value existingTopicIds),")
    topics "$1" >"$scratch/topics" || stop "the system topics of the subscription $1 can't be read"
    while read -r id principal; do
        case $(lower "$id") in *"/resourcegroups/$(lower "$group")/"*) continue ;; esac
        [[ $given == *",$(lower "$id"),"* ]] || stop "the subscription $1 has a system topic already, and Azure allows one:" \
            "export EXISTING_TOPIC_IDS=$id (with commas between several)"
        [ "${principal:-None}" != None ] || stop "the system topic $id has no identity to deliver with: az eventgrid" \
            "system-topic update --ids $id --identity systemassigned"
    done <"$scratch/topics"
}

# The evidence account's policy: a new account has to begin Unlocked, and what is locked can't be loosened or shortened.
read_evidence_lock() {
    local state days
    asked_evidence_lock=${ASKED_EVIDENCE_LOCK:-$(value evidenceLock)}
    found storage account list --resource-group "$group" --output tsv --query "[?immutableStorageWithVersioning.enabled] |
        [0].immutableStorageWithVersioning.immutabilityPolicy.[state, to_string(immutabilityPeriodSinceCreationInDays)]" \
        >"$scratch/policy"
    { read -r state; read -r days; } < <(tr '\t' '\n' <"$scratch/policy"; echo; echo)
    days=${days:-0}
    case $state in
        '' | Locked | Unlocked) ;;
        *)
            say "! the evidence policy is $state, which somebody set and which keeps nothing: this deployment makes it Unlocked"
            state=Unlocked
            ;;
    esac
    if [ "$state" = Locked ] && [ "$asked_evidence_lock" != Locked ]; then
        say "! the evidence is locked, which can't be undone: it stays Locked (export EVIDENCE_LOCK=Locked)"
        asked_evidence_lock=Locked
    fi
    export EVIDENCE_LOCK=${state:-Unlocked} EVIDENCE_DAYS=${EVIDENCE_DAYS:-$days}
    if [ "$state" = Locked ] && [ "$EVIDENCE_DAYS" -lt "$days" ]; then
        say "! the evidence is locked for $days days, which can't be shortened: $EVIDENCE_DAYS isn't taken (export EVIDENCE_DAYS=$days)"
        EVIDENCE_DAYS=$days
    fi
    [ "$EVIDENCE_DAYS" != 0 ] || unset EVIDENCE_DAYS
}
