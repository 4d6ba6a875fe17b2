"""Certificates, tokens and kubeconfigs of one cluster: made anew, with openssl, each time it starts."""

import base64
import json
import secrets
import subprocess

DAYS = 365
SERVER_NAMES = ("DNS:localhost", "DNS:kubernetes", "DNS:kubernetes.default", "DNS:kubernetes.default.svc",
                "DNS:kubernetes.default.svc.cluster.local", "IP:127.0.0.1")
# file -> (subject, key usage); a client's CN is its user name and its O's are its groups
CERTIFICATES = {
    "apiserver": ("/CN=kube-apiserver", "serverAuth"),
    "admin": ("/O=system:masters/CN=kubernetes-admin", "clientAuth"),
    "controllers": ("/CN=system:kube-controller-manager", "clientAuth"),
    "node": ("/O=system:nodes/CN=system:node:devcluster", "clientAuth"),
}
CLIENTS = ("admin", "controllers", "node")


def create(directory):
    """DIR/pki and DIR/tokens.csv, which the API server reads. The umask is to keep the keys private."""
    pki = directory / "pki"
    pki.mkdir()
    _openssl(pki, "ca", "/CN=devcluster",
             "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign")
    for name, (subject, usage) in CERTIFICATES.items():
        extensions = ["basicConstraints=critical,CA:FALSE", f"extendedKeyUsage={usage}"]
        if usage == "serverAuth":
            extensions.append("subjectAltName=" + ",".join(SERVER_NAMES))
        _openssl(pki, name, subject, *extensions, issuer="ca")
    token = secrets.token_urlsafe(24)
    (directory / "tokens.csv").write_text(f'{token},kubernetes-admin,devcluster-admin,"system:masters"\n')


def _openssl(pki, name, subject, *extensions, issuer=None):
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
               "-nodes", "-days", str(DAYS), "-subj", subject,
               "-keyout", pki / f"{name}.key", "-out", pki / f"{name}.crt"]
    if issuer:
        command += ["-CA", pki / f"{issuer}.crt", "-CAkey", pki / f"{issuer}.key"]
    for extension in extensions:
        command += ["-addext", extension]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl cannot make the certificate of {name}: {done.stderr.strip()}")


def write_kubeconfigs(directory, port):
    """DIR/{admin,controllers,node}.kubeconfig, each with everything in it, so that it can be copied."""
    for name in CLIENTS:
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "devcluster",
            "clusters": [{"name": "devcluster", "cluster": {
                "server": f"https://127.0.0.1:{port}",
                "certificate-authority-data": _data(directory, "ca.crt")}}],
            "users": [{"name": name, "user": {"client-certificate-data": _data(directory, f"{name}.crt"),
                                              "client-key-data": _data(directory, f"{name}.key")}}],
            "contexts": [{"name": "devcluster", "context": {"cluster": "devcluster", "user": name}}],
        }
        (directory / f"{name}.kubeconfig").write_text(json.dumps(config, indent=2) + "\n")  # JSON is YAML


def _data(directory, name):
    return base64.b64encode((directory / "pki" / name).read_bytes()).decode()
