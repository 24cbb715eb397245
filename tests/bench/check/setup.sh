#!/bin/sh
# Makes the machine ready for `make bench-check`, beyond what the twin needs: ab, and Renovate in a folder of its own.
set -eu
cd "$(dirname "$0")/../../.."

say() { printf 'setup: %s\n' "$*"; }
stop() { printf 'setup: %s\n' "$*" >&2; exit 1; }

. infra/local/setup/debian.sh
. infra/local/setup/python.sh

install_renovate() {
    folder=tests/bench/check/renovate
    stamp=$(hash_of "$folder/package.json" "$folder/package-lock.json")
    if [ "$(cat "$folder/node_modules/.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
    say "installing Renovate, about 270 MB"
    # Its optional packages have to be compiled; without them it uses JavaScript's own regular expressions.
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --omit=dev --omit=optional --loglevel=error >/dev/null)
    echo "$stamp" >"$folder/node_modules/.stamp"
}

command -v ab >/dev/null 2>&1 || install_debian_packages apache2-utils
install_renovate
