# Azurite, exactly as package-lock.json says. Install scripts stay off: nothing it needs has one.

install_azurite() {
    for program in node npm; do
        command -v "$program" >/dev/null 2>&1 || stop "missing: $program (Node.js 18 or newer)"
    done
    stamp=$(hash_of infra/local/package.json infra/local/package-lock.json)
    if [ "$(cat infra/local/node_modules/.stamp 2>/dev/null)" = "$stamp" ]; then return; fi
    say "installing Azurite"
    (cd infra/local && npm ci --ignore-scripts --no-audit --no-fund --omit=dev --omit=optional --loglevel=error >/dev/null)
    echo "$stamp" >infra/local/node_modules/.stamp
}
