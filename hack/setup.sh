#!/usr/bin/env bash
# Installs what building, testing and the demo need, on Debian 12. This is the one list of packages.
# Does nothing, quickly, where all of it is there.
set -euo pipefail

packages=(
    # build
    gcc libc6-dev cmake ninja-build pkg-config
    libmicrohttpd-dev libcurl4-openssl-dev libgnutls28-dev libssl-dev libjson-c-dev libyaml-dev uthash-dev
    # tests: unit, sanitizers and fuzzing, style, load
    libcmocka-dev clang libclang-rt-14-dev clang-format clang-tidy shellcheck mandoc wrk spin
    # tests and demo: the other side of the wire
    python3 python3-yaml python3-jsonschema python3-jsonpatch openssl ca-certificates curl git haproxy
    # the development cluster and its tests
    python3-aiohttp python3-pytest python3-pytest-xdist flake8
)
# A kubectl from another source conflicts with Debian's package.
if ! command -v kubectl >/dev/null; then
    packages+=(kubernetes-client)
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
    if ! grep -qx "installed $package" <<<"$installed"; then
        missing+=("$package")
    fi
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup.sh: these packages are missing and it takes root or sudo to install them: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
    [ -t 0 ] || as_root=(sudo -n) # nobody is there to ask
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1
}
echo "setup.sh: installing ${missing[*]}"
# The lists of a fresh machine are empty, those of an old one name packages that are gone.
if ! { apt update && apt install -y --no-install-recommends "${missing[@]}"; }; then
    cat "$log" >&2
    echo "setup.sh: apt-get failed, see above" >&2
    exit 1
fi
