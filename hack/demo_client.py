#!/usr/bin/env python3
"""Sends AdmissionReviews to a running webhook as an API server does, and prints its answers.

Over HTTPS with the certificate verified against the CA, to the URL that the resource belongs to. The
readable diff is `sluice review` on the same bytes, printed only after the server's answer proved to be the
same as the command's; the outcome and the numbers are the server's. Standard library only.
"""

import argparse
import base64
import http.client
import json
import socket
import ssl
import subprocess
import sys
import time

SERVICE = "sluice-webhook.sluice-system.svc"  # what an API server asks for (SNI), and verifies


class Connection(http.client.HTTPSConnection):
    """TLS to the loopback address, in the Service's name."""

    def __init__(self, port, context):
        super().__init__(SERVICE, port, timeout=10, context=context)
        self.tls = context

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as Go's client
        self.sock = self.tls.wrap_socket(plain, server_hostname=SERVICE)


def send(connection, path, body):
    """(response of the AdmissionReview, milliseconds)"""
    began = time.monotonic()
    try:
        connection.request("POST", path + "?timeout=5s", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        sys.exit(f"demo: the webhook does not answer: {error!r}")
    if answer.status != 200:
        sys.exit(f"demo: HTTP {answer.status}: {text.decode(errors='replace')}")
    return json.loads(text), (time.monotonic() - began) * 1000


def offline(arguments, file, form):
    return [arguments.sluice, "review", "-p", arguments.policies, "-f", file, "-o", form]


def outcome(response):
    if not response["allowed"]:
        return "denied"
    return "patched" if "patch" in response else "allowed"


def review(arguments, connection, file, counts):
    with open(file, "rb") as opened:
        body = opened.read()
    request = json.loads(body)["request"]
    path = "/validate" if request["resource"]["group"] == "sluice.dev" else "/mutate"
    answer, milliseconds = send(connection, path, body)
    response = answer["response"]
    expected = subprocess.run(offline(arguments, file, "review"), capture_output=True, check=False)
    if expected.returncode > 1 or json.loads(expected.stdout) != answer:
        sys.exit(f"demo: {file}: the server answers {answer}, sluice review {expected.stdout!r}")

    found = outcome(response)
    counts[found] += 1
    counts["warnings"] += len(response.get("warnings", []))
    operations = len(json.loads(base64.b64decode(response["patch"]))) if "patch" in response else 0
    print(f"POST {path} -> 200 {found}"
          + (f", {operations} operation{'s'[:operations - 1]}" if operations else "") + f", {milliseconds:.1f} ms",
          flush=True)
    subprocess.run(offline(arguments, file, "text"), check=False)
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sluice", required=True)
    parser.add_argument("--policies", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()

    context = ssl.create_default_context(cafile=arguments.ca)
    connection = Connection(arguments.port, context)
    counts = dict.fromkeys(("patched", "allowed", "denied", "warnings"), 0)
    for file in arguments.files:
        review(arguments, connection, file, counts)
    connection.close()
    if 0 in counts.values():
        sys.exit(f"demo: something never happened: {counts}")
    print(f"{len(arguments.files)} reviews over HTTPS: {counts['patched']} patched, "
          f"{counts['allowed']} allowed unchanged, {counts['denied']} denied, "
          f"{counts['warnings']} warnings; every answer is what `sluice review` says.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
