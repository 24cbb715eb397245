#!/bin/sh
# Lets Azure's own compiler read the templates, and Azure itself say what a deployment would change. Neither can be had
# from a package registry, so what is missing is said and passed over.
#
# AZURE_ENV_NAME, AZURE_LOCATION   of the deployment that is asked about; without them nothing is asked of Azure
set -eu
cd "$(dirname "$0")"

say() { printf 'deploy-check: %s\n' "$*"; }

if ! command -v az >/dev/null 2>&1; then
    say "the Azure CLI is not installed: the templates were not compiled and Azure was not asked"
    say "what can be checked without it: make test-infra"
    exit 0
fi

az bicep build --file main.bicep --stdout >/dev/null
say "main.bicep compiles"

if ! az account show >/dev/null 2>&1; then
    say "nobody is signed in (az login): Azure was not asked what would change"
    exit 0
fi
if [ -z "${AZURE_ENV_NAME:-}" ] || [ -z "${AZURE_LOCATION:-}" ]; then
    say "AZURE_ENV_NAME and AZURE_LOCATION are not set: Azure was not asked what would change"
    exit 0
fi
az deployment sub what-if --location "$AZURE_LOCATION" --template-file main.bicep \
    --parameters environmentName="$AZURE_ENV_NAME" location="$AZURE_LOCATION"
