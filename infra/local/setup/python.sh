# Virtual environments. A stamp holds the hash of what went in, so an unchanged list installs nothing again.

PYTHON=${PYTHON:-python3}

require_python() {
    command -v "$PYTHON" >/dev/null 2>&1 || stop "missing: $PYTHON (3.11 or newer)"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || stop "$PYTHON is older than 3.11"
    # Debian keeps the part of the standard library that makes environments in a package of its own.
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || install_debian_packages python3-venv
}

# make_venv FOLDER STAMP PIP-ARGUMENT...
make_venv() {
    folder=$1 stamp=$2
    shift 2
    if [ "$(cat "$folder/.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
    require_python
    say "making $folder"
    rm -rf "$folder"
    "$PYTHON" -m venv "$folder"
    "$folder/bin/pip" install -qq --disable-pip-version-check "$@"
    echo "$stamp" >"$folder/.stamp"
}

hash_of() { cat "$@" | sha256sum | cut -d' ' -f1; }

make_dev_venv() {
    make_venv .venv "$(hash_of requirements.txt requirements-dev.txt)" -r requirements-dev.txt
}

make_runtime_venv() {
    # The library declares a newer Python than the product is developed on; it runs on 3.11 all the same.
    make_venv .venv-runtime "$(hash_of requirements.txt requirements-runtime.txt)" \
        --ignore-requires-python -r requirements-runtime.txt
}

make_infra_venv() {
    make_venv .venv-infra "$(hash_of requirements-infra.txt)" -r requirements-infra.txt
}

make_host_venv() {
    if ! found=$(.venv/bin/python -m infra.local.microsoft_host); then
        say "$found; what needs it in tests/host is skipped"
        return
    fi
    # Core Tools bring what their worker needs, and take the app's packages from .venv.
    case "$found" in */func) return ;; esac
    make_venv .venv-host "$(hash_of requirements.txt requirements-host.txt)" -r requirements-host.txt
}
