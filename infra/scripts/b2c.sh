# The responder in the Azure AD B2C tenant: its registration there and the certificate that it signs in with. Sourced
# by bash after azure.sh and graph.sh, not run.
#
# The vault makes the certificate and never lets its key out but to the app. The B2C tenant is reached by a login of its
# own, in another folder, so that nobody has to log in and out.
# shellcheck shell=bash disable=SC2154 # set in azure.sh

b2c_login=${B2C_AZURE_CONFIG_DIR:-$HOME/.azure-b2c}
b2c_name=${B2C_APPLICATION_NAME:-Entra Responder}
b2c_certificate=b2c-certificate # also the name of the secret that the app's setting refers to

# Whether az is logged in to the B2C tenant.
is_in_b2c() {
    [ "$(AZURE_CONFIG_DIR=$b2c_login command az account show --query tenantId --output tsv 2>/dev/null)" = "$B2C_TENANT_ID" ]
}

how_to_log_in() {
    cat <<TEXT
Log in to the B2C tenant beside your own login, as somebody who may register applications and grant permissions there
(Global Administrator, or Application Administrator and Privileged Role Administrator), then run this again:
  AZURE_CONFIG_DIR=$b2c_login az login --tenant $B2C_TENANT_ID --allow-no-subscriptions
TEXT
}

# Prints the registration's application id and its service principal's object id, or nothing.
b2c_ids() {
    local login=$b2c_login client responder
    client=$(by_filter applications "displayName eq '$b2c_name'" 'value[].appId') || return
    [ "$(printf '%s' "$client" | grep -c .)" -le 1 ] || stop "several registrations are called $b2c_name: name yours with" \
        "B2C_APPLICATION_NAME, or delete the others"
    [ -n "$client" ] || return 0
    responder=$(by_filter servicePrincipals "appId eq '$client'" 'value[0].id') || return
    [ -z "$responder" ] || printf '%s %s\n' "$client" "$responder"
}

# Before anything is changed: without a login there, both ids of its registration have to be given.
check_b2c_login() {
    if [ -z "${B2C_TENANT_ID:-}" ] || is_in_b2c; then return; fi
    if [ -z "${B2C_CLIENT_ID:-}" ] || [ -z "${B2C_RESPONDER_ID:-}" ]; then
        stop "not logged in to the B2C tenant $B2C_TENANT_ID. $(how_to_log_in)"
    fi
}

# Makes the certificate in the vault, unless it is there; with $1 = yes a new version in any case.
b2c_make_certificate() {
    local vault=$1 renew=$2
    b2c_contact "$vault"
    thumbprint=$(b2c_thumbprint "$vault")
    if [ -n "$thumbprint" ] && [ "$renew" = no ]; then
        say "B2C: certificate $thumbprint is in the vault"
        return
    fi
    write keyvault certificate create --vault-name "$vault" --name "$b2c_certificate" \
        --policy "@$scripts/b2c-certificate.json" --output none ||
        stop "making the certificate failed: it needs the role Key Vault Certificates Officer on the vault $vault"
    if [ "$dry" = yes ]; then thumbprint=THUMBPRINT; else thumbprint=$(b2c_thumbprint "$vault"); fi
    say "B2C: + certificate $thumbprint"
}

# Whom the vault mails 60 days before the certificate runs out. It mails nobody unless there is a contact.
b2c_contact() {
    local there
    [ -n "${ALERT_EMAIL:-}" ] || { say "! nobody is mailed before the certificate runs out: set ALERT_EMAIL and run this again"; return; }
    there=$(found keyvault certificate contact list --vault-name "$1" --output tsv \
        --query "contactList[?emailAddress == '$ALERT_EMAIL'].emailAddress")
    [ -z "$there" ] || return 0
    write keyvault certificate contact add --vault-name "$1" --email "$ALERT_EMAIL" --output none ||
        stop "the certificate's contact can't be set: it needs the role Key Vault Certificates Officer on the vault $1"
    say "B2C: + $ALERT_EMAIL is mailed before the certificate runs out"
}

b2c_thumbprint() {
    found keyvault certificate show --vault-name "$1" --name "$b2c_certificate" --query x509ThumbprintHex --output tsv
}

# The public half of the certificate, as a file that az reads.
b2c_public_certificate() {
    {
        echo '-----BEGIN CERTIFICATE-----'
        found keyvault certificate show --vault-name "$1" --name "$b2c_certificate" --query cer --output tsv | fold -w 64
        echo '-----END CERTIFICATE-----'
    } >"$scratch/certificate.pem"
}

# b2c_register VAULT RENEW: registers the application, hands it the certificate, and sets client and principal.
b2c_register() {
    local vault=$1 renew=$2 credential label thumbprint
    b2c_make_certificate "$vault" "$renew"
    label="entra-responder $thumbprint"
    [ "$dry" = yes ] || b2c_public_certificate "$vault"

    # shellcheck disable=SC2034 # az, in azure.sh, goes by it
    local login=$b2c_login
    client=$(by_filter applications "displayName eq '$b2c_name'" 'value[0].appId')
    if [ -z "$client" ]; then
        post applications "{\"displayName\": \"$b2c_name\", \"signInAudience\": \"AzureADMyOrg\"}"
        say "B2C: + registration $b2c_name"
        client=$(until_there APPLICATION applications "displayName eq '$b2c_name'" 'value[0].appId')
    fi
    credential=$(by_filter applications "appId eq '$client'" "value[0].keyCredentials[?displayName=='$label'].keyId | [0]")
    if [ -z "$credential" ]; then
        write ad app credential reset --id "$client" --cert "@$scratch/certificate.pem" --append \
            --display-name "$label" --only-show-errors --output none
        say "B2C: + the certificate on the registration"
    fi
    principal=$(by_filter servicePrincipals "appId eq '$client'" 'value[0].id')
    if [ -z "$principal" ]; then
        post servicePrincipals "{\"appId\": \"$client\"}"
        say "B2C: + service principal"
        principal=$(until_there PRINCIPAL servicePrincipals "appId eq '$client'" 'value[0].id')
    fi
}
