#!/bin/sh
# Prints the Bicep compiler that is here, or nothing: $BICEP, `bicep` on PATH, the one beside the repository
# (../shared/tools/bicep/bicep), or the one that `az bicep install` leaves.
beside="$(dirname "$0")/../../shared/tools/bicep/bicep"
for found in "${BICEP:-}" "$(command -v bicep 2>/dev/null)" "$beside" "${HOME:-}/.azure/bin/bicep"; do
    if [ -n "$found" ] && [ -x "$found" ]; then
        echo "$found"
        exit 0
    fi
done
