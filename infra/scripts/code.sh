# Whether the app has its code, however that came there. Sourced by bash after azure.sh, not run.
# shellcheck shell=bash disable=SC2154 # set in azure.sh

# has_functions GROUP APP: whether the app has any function. Where that can't be found out it counts as none: the code is then
# deployed once more than it need be, and the alerts on silence come on after it.
has_functions() {
    local functions
    functions=$(found functionapp function list --resource-group "$1" --name "$2" --query "length(@)" --output tsv) ||
        say "! could not find out whether the app has its code: see the line above"
    [ "${functions:-0}" != 0 ]
}
