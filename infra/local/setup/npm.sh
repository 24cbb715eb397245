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

# The tests of pages say that they are skipped where there is no Chromium: it is as large as all the rest together.
install_browser() {
    if ! command -v chromium >/dev/null 2>&1; then
        if ! command -v apt-get >/dev/null 2>&1; then say "Chromium is not here, and apt neither: pages are not looked at"; return; fi
        install_debian_packages chromium fonts-dejavu-core
    fi
    install_npm tests/browser "what drives Chromium"
}
