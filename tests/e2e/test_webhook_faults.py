"""What users see of an admission webhook that is broken: the words of a real API server."""

import dataclasses
import re
import socket
import typing

import hooks
import pytest
from devcluster.errors import ApiError

CONFIGMAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "it", "labels": {"a": "b"}}}
FAILED = 'Internal error occurred: failed calling webhook "hook.example.com": '
CALL = FAILED + "failed to call webhook: "
INVALID = FAILED + "received invalid webhook response: "


@dataclasses.dataclass
class Fault:
    message: str  # a regular expression
    answer: typing.Any = hooks.allow
    status: int = 200
    delay: float = 0
    down: bool = False
    stranger: bool = False  # its certificate is not of the CA that the configuration names
    code: int = 500
    reason: str = "InternalError"
    ignored: bool = True  # failurePolicy: Ignore passes over it


def says(answer):
    return lambda request: answer


POST = r'Post "https://127\.0\.0\.1:\d+/hook\?timeout=\d+s": '
FAULTS = {
    "down": Fault(CALL + POST + r"dial tcp 127\.0\.0\.1:\d+: connect: connection refused", down=True),
    "too slow": Fault(CALL + POST + "context deadline exceeded", delay=1.5),
    "a stranger": Fault(CALL + POST + "tls: failed to verify certificate: x509: certificate signed by unknown "
                        "authority.*", stranger=True),
    "garbage": Fault(CALL + "couldn't get version/kind; json parse error: .*", says(b"what?")),
    "no review": Fault(CALL + 'no kind "Pod" is registered for version "v1" in scheme .*',
                       says(b'{"apiVersion": "v1", "kind": "Pod"}')),
    "no response": Fault(INVALID + "webhook response was absent",
                         says(b'{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}')),
    "another uid": Fault(INVALID + 'expected response.uid="[-0-9a-f]{36}", got "x"',
                         says({"uid": "x", "allowed": True})),
    "a patch of no type": Fault(INVALID + "webhook returned response.patch but not response.patchType",
                                says({"allowed": True, "patch": "W10="})),
    "an error of its own": Fault(CALL + r'an error on the server \("no policies"\) has prevented the request from '
                                 "succeeding", says(b"no policies"), status=500),
    "not found": Fault(CALL + "the server could not find the requested resource", says(b"?"), status=404),
    "a patch that does not apply": Fault(
        "Internal error occurred: remove operation does not apply: .*/data/nothing.*",
        says(hooks.patched({"op": "remove", "path": "/data/nothing"})), ignored=False),
    "denied": Fault('admission webhook "hook.example.com" denied the request: not on Fridays',
                    says(hooks.deny(403, "not on Fridays", reason="Forbidden")), code=403, reason="Forbidden",
                    ignored=False),
    "denied in silence": Fault('admission webhook "hook.example.com" denied the request without explanation',
                               says({"allowed": False}), code=400, reason="", ignored=False),
}


@pytest.fixture
def hook(tmp_path):
    made = hooks.Hook(tmp_path)
    yield made
    made.close()


def unused_url():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"https://127.0.0.1:{taken.getsockname()[1]}/hook"


def prepare(hook, fault, tmp_path):
    """The fields of the webhook configuration beside the usual."""
    hook.answer, hook.status, hook.delay = fault.answer, fault.status, fault.delay
    hook.content_type = "text/plain" if fault.status != 200 else "application/json"
    if fault.stranger:
        (tmp_path / "other").mkdir()
        other = hooks.Hook(tmp_path / "other")
        hook.bundle = other.bundle
        other.close()
    return {"timeoutSeconds": 1 if fault.delay else 10, **({"url": unused_url()} if fault.down else {})}


def refusal(namespace):
    """The error of a creation that must come to be refused."""
    def refused():
        try:
            namespace.create("configmaps", CONFIGMAP, dry_run=True)
        except ApiError as error:
            return error
        return None

    return namespace.wait_for(refused)


@pytest.mark.parametrize("what", FAULTS)
def test_fail_refuses_with_the_words_of_a_real_server(namespace, hook, tmp_path, what):
    fault = FAULTS[what]
    with hooks.registered(namespace, "mutating", hook, "CREATE :configmaps", **prepare(hook, fault, tmp_path)):
        error = refusal(namespace)
    assert re.fullmatch(fault.message, error.message), error.message
    assert (error.code, error.reason) == (fault.code, fault.reason)


@pytest.mark.parametrize("what", FAULTS)
def test_ignore_passes_over_faults_but_not_over_answers(namespace, hook, tmp_path, what):
    fault = FAULTS[what]
    fields = prepare(hook, fault, tmp_path)
    # The order of the names is that of the calls: a label of the second shows that the first was passed over.
    seen = hooks.Hook(tmp_path, says(hooks.patched({"op": "add", "path": "/metadata/labels/seen", "value": "yes"})))
    made = hooks.configuration("mutating", namespace.name, hook, "CREATE :configmaps", failurePolicy="Ignore", **fields)
    made["webhooks"] += hooks.configuration("mutating", namespace.name, seen, "CREATE :configmaps")["webhooks"]
    made["webhooks"][1]["name"] = "then.example.com"
    namespace.cluster.call("create", "mutatingwebhookconfigurations", made)
    try:
        if fault.ignored:
            namespace.wait_for(lambda: "seen" in namespace.create(
                "configmaps", CONFIGMAP, dry_run=True)["metadata"]["labels"])
        else:
            assert re.fullmatch(fault.message, refusal(namespace).message)
    finally:
        namespace.cluster.call("delete", "mutatingwebhookconfigurations", namespace.name)
        seen.close()


def test_warnings_reach_the_user(namespace, hook):
    hook.answer = says({"allowed": True, "warnings": ["mind the gap"]})
    with hooks.registered(namespace, "validating", hook, "CREATE :configmaps"):
        namespace.wait_for(lambda: "Warning: mind the gap" in namespace.kubectl(
            "create", "configmap", "it", "--dry-run=server"))


def test_what_is_reviewed_is_what_was_asked_for(namespace, hook):
    with hooks.registered(namespace, "validating", hook, "UPDATE :configmaps"):
        namespace.create("configmaps", CONFIGMAP)
        namespace.wait_for(lambda: namespace.patch("configmaps", "it", {"data": {"n": str(len(hook.requests))}})
                           and hook.requests)
    request = hook.requests[0]
    assert request["operation"] == "UPDATE" and request["dryRun"] is False
    assert request["object"]["data"] and request["oldObject"]["metadata"]["name"] == "it"
    assert request["kind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert request["options"]["kind"] == "UpdateOptions"
