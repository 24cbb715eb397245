#!/bin/sh
# Makes a fresh Debian 12 machine ready for one target of the Makefile; run again, it installs nothing.
#
# usage: infra/local/setup.sh python | runtime | infra | host | kql | browser | twin
#   python   the virtual environment .venv from requirements-dev.txt
#   runtime  .venv-runtime with Microsoft's own worker library, apart because it ships a package named "tests"
#   infra    .venv-infra with the security scanner of the templates
#   host     .venv-host with what Microsoft's Functions host runs the app with, where that host is
#   kql      Microsoft's parser of KQL, for the saved queries
#   browser  Debian's Chromium and what drives it, for the pages
#   twin     the Debian packages, Azurite and the scanner that the laptop twin runs; needs .venv
set -eu
cd "$(dirname "$0")/../.."

say() { printf 'setup: %s\n' "$*"; }
stop() { printf 'setup: %s\n' "$*" >&2; exit 1; }

. infra/local/setup/debian.sh
. infra/local/setup/python.sh
. infra/local/setup/npm.sh
. infra/local/setup/scanner.sh

case "${1:-}" in
    python) make_dev_venv ;;
    runtime) make_runtime_venv ;;
    infra) make_infra_venv ;;
    host) make_host_venv ;;
    kql) install_kql_parser ;;
    browser) install_browser ;;
    twin) require_debian_packages && install_azurite && install_scanner ;;
    *) stop "usage: infra/local/setup.sh python | runtime | infra | host | kql | browser | twin" ;;
esac
