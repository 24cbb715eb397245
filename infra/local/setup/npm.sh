# Packages of npm, exactly as each package-lock.json says. Install scripts stay off: nothing that is needed has one.

# install_npm FOLDER WHAT
install_npm() {
    folder=$1 what=$2
    for program in node npm; do
        command -v "$program" >/dev/null 2>&1 || stop "missing: $program (Node.js 18 or newer)"
    done
    stamp=$(hash_of "$folder/package.json" "$folder/package-lock.json")
    if [ "$(cat "$folder/node_modules/.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
    say "installing $what"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --omit=dev --omit=optional --loglevel=error >/dev/null)
    echo "$stamp" >"$folder/node_modules/.stamp"
}

install_azurite() { install_npm infra/local Azurite; }

install_kql_parser() { install_npm tests/telemetry/kql_parser "Microsoft's parser of KQL"; }
