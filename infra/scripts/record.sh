# What was done in an installation, written down in its resource group's own history as a deployment that makes nothing.
# Sourced by bash after azure.sh, not run.
# shellcheck shell=bash disable=SC2154 # set in azure.sh, and $group by the script

# record NAME WHAT
record() {
    az deployment group create --resource-group "$group" --name "$1" --output none \
        --template-file "$scripts/record.json" --parameters "what=$2"
}

# recorded NAME: what was last written down under that name; nothing where nothing was.
recorded() {
    found deployment group show --resource-group "$group" --name "$1" --query properties.outputs.what.value --output tsv
}
