#!/usr/bin/env bash
# The development cluster: a Kubernetes of local processes. `hack/devcluster.sh --help` says how;
# hack/devcluster/README.md, what it is. Installs nothing.
set -euo pipefail

hack=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
missing=()
for program in openssl cc; do
    command -v "$program" >/dev/null || missing+=("$program")
done
# Looked for, not loaded: that would take a fifth of a second.
modules='from importlib.util import find_spec; exit(not all(map(find_spec, ("aiohttp", "yaml"))))'
/usr/bin/python3 -c "$modules" 2>/dev/null || missing+=("/usr/bin/python3 with aiohttp and yaml")
if [ ${#missing[@]} -gt 0 ]; then
    printf -v list '%s, ' "${missing[@]}"
    echo "devcluster: missing: ${list%, }; ./hack/setup.sh installs it" >&2
    exit 1
fi
PYTHONPATH=$hack${PYTHONPATH:+:$PYTHONPATH} exec /usr/bin/python3 -B -m devcluster "$@"
