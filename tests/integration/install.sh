#!/usr/bin/env bash
# install.sh BUILD: `cmake --install` puts the binary, its name as a plugin of kubectl, the manual and
# the completions in place below DESTDIR, and nothing else anywhere.
set -euo pipefail
build=$1

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
DESTDIR=$root cmake --install "$build" --prefix /usr >/dev/null

expected="777 /usr/bin/kubectl-sluice
755 /usr/bin/kubectl_complete-sluice
755 /usr/bin/sluice
644 /usr/share/bash-completion/completions/sluice
644 /usr/share/man/man1/sluice.1"
found=$(find "$root" ! -type d -printf '%m /%P\n' | sort -k 2)
if [ "$found" != "$expected" ]; then
    printf 'installed:\n%s\nexpected:\n%s\n' "$found" "$expected" >&2
    exit 1
fi

"$root/usr/bin/sluice" version | grep -q '^sluice [0-9]'
mandoc "$root/usr/share/man/man1/sluice.1" >/dev/null
bash -c 'source "$0" && complete -p sluice' "$root/usr/share/bash-completion/completions/sluice" \
    >/dev/null

# What kubectl runs: the link is relative, and the completion finds its way below any prefix.
"$root/usr/bin/kubectl-sluice" plan --help | grep -q '^Usage: kubectl sluice plan '
completed=$("$root/usr/bin/kubectl_complete-sluice" pl | tr '\n' ' ')
[ "$completed" = "plan :4 " ]
