# Debian packages: what is missing is found by trying the programs, so other systems may bring them their own way.

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

has_static_busybox() {
    # The twin copies the program into images that hold nothing else, so a dynamic one would not start there.
    busybox=$(command -v busybox) && ! ldd "$busybox" >/dev/null 2>&1
}

missing_packages() {
    for program in docker-registry skopeo buildah; do
        command -v "$program" >/dev/null 2>&1 || echo "$program"
    done
    has_static_busybox || echo busybox-static
}

# The docker-registry package starts a service and enables it at boot; the twin runs its own processes instead.
without_services() {
    policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then "$@"; return; fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    status=0
    "$@" || status=$?
    as_root rm -f "$policy"
    return "$status"
}

# Without systemctl there is no systemd, and nothing would start at boot.
keep_registry_off() {
    if command -v systemctl >/dev/null 2>&1; then
        as_root systemctl disable docker-registry.service >/dev/null 2>&1 || say "docker-registry.service is left enabled"
    fi
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

install_debian_packages() {
    command -v apt-get >/dev/null 2>&1 || stop "apt is not here; install these yourself, then run again: $*"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1 || stop "root or sudo is needed to install: $*"
    say "installing Debian packages: $*"
    log=$(mktemp)
    # Package lists may be absent or too old to fetch from; refresh them only when the first try fails.
    if ! without_services apt_install "$@" >"$log" 2>&1; then
        say "refreshing apt's package lists"
        { as_root apt-get update -q && without_services apt_install "$@"; } >"$log" 2>&1 \
            || { cat "$log" >&2; stop "apt could not install: $*"; }
    fi
    rm -f "$log"
}

require_debian_packages() {
    missing=$(missing_packages | tr '\n' ' ' | sed 's/ $//')
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # a list of package names, meant to be split
    install_debian_packages $missing
    case "$missing" in
        *docker-registry*) keep_registry_off ;;
    esac
    left=$(missing_packages | tr '\n' ' ')
    [ -z "$left" ] || stop "still missing after the installation: $left"
}
