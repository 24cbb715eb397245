#!/bin/sh
# Lets Microsoft's compiler read the templates, and Azure itself say what a deployment would change. What is missing is
# said and passed over; a single warning of what is there fails.
#
# BICEP                            the compiler; else the first that find-bicep.sh finds, or the Azure CLI's
# AZURE_ENV_NAME, AZURE_LOCATION   of the deployment that is asked about; without them nothing is asked of Azure
set -eu
cd "$(dirname "$0")"

say() { printf 'deploy-check: %s\n' "$*"; }

has_az() { command -v az >/dev/null 2>&1; }

# Every module is part of main.bicep, and main.bicepparam names every parameter. Warnings come on either stream.
compile() {
    said=$(AZURE_ENV_NAME="${AZURE_ENV_NAME:-name}" AZURE_LOCATION="${AZURE_LOCATION:-region}" "$@" 2>&1) || {
        printf '%s\n' "$said"
        exit 1
    }
    [ -z "$said" ] || { printf '%s\n' "$said"; say "the compiler warns"; exit 1; }
}

# The compiler is a .NET program, which asks for a library that a small machine may not have.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT="${DOTNET_SYSTEM_GLOBALIZATION_INVARIANT:-1}"
bicep=$(sh ./find-bicep.sh)
if [ -n "$bicep" ]; then
    compile "$bicep" lint main.bicep
    compile "$bicep" lint main.bicepparam
    say "compiled by $bicep, $("$bicep" --version)"
elif has_az; then
    az bicep install --only-show-errors
    compile az bicep lint --file main.bicep --only-show-errors
    compile az bicep lint --file main.bicepparam --only-show-errors
    say "compiled by az bicep, $(az bicep version --only-show-errors)"
else
    say "there is no Bicep compiler here (BICEP, bicep on PATH, the Azure CLI): the templates were not compiled"
fi

if ! has_az; then
    say "the Azure CLI is not installed: Azure was not asked"
    exit 0
fi
if ! az account show >/dev/null 2>&1; then
    say "nobody is signed in (az login): Azure was not asked what would change"
    exit 0
fi
if [ -z "${AZURE_ENV_NAME:-}" ] || [ -z "${AZURE_LOCATION:-}" ]; then
    say "AZURE_ENV_NAME and AZURE_LOCATION are not set: Azure was not asked what would change"
    exit 0
fi
az deployment sub what-if --location "$AZURE_LOCATION" --parameters main.bicepparam
