"""Admission webhooks, called over TLS; what a failure says is held against a real API server's words."""

import asyncio
import base64
import json
import re

import hooks
import pytest
import recorded

from devcluster.apiserver.admission.webhooks import Admission, Attributes
from devcluster.apiserver.request import Request, User
from devcluster.errors import ApiError
from devcluster.resources import find

ANSWERS = recorded.load("webhooks/answers.json")
KINDS = {"Mutating": "mutatingwebhookconfigurations", "Validating": "validatingwebhookconfigurations"}
# cases that are not only another path of the webhook
SPECIAL = {
    "refused": {"clientConfig": {"url": "https://127.0.0.1:1/x"}},
    "no-service": {"clientConfig": {"service": {"name": "none", "namespace": "shop", "path": "/allow"}}},
    "no-port": {"clientConfig": {"service": {"name": "hook", "namespace": "shop", "path": "/allow",
                                             "port": 444}}},
    "ignored-500": {"path": "text-500", "failurePolicy": "Ignore"},
    "ignored-slow": {"path": "slow", "failurePolicy": "Ignore"},
    "ignored-patch": {"path": "patch-remove-missing", "failurePolicy": "Ignore"},
    "ignored-undecodable": {"path": "patch-not-json", "failurePolicy": "Ignore"},
    "bad-ca": {"path": "allow"},
    "no-ca": {"path": "allow"},
}


class Lookup:
    """What the webhooks' side of an API server has stored."""

    def __init__(self, **objects):
        self.objects = objects

    def list(self, plural, namespace=""):
        return [one for one in self.objects.get(plural, ())
                if not namespace or one["metadata"].get("namespace") == namespace]

    def get(self, plural, namespace, name):
        return next((one for one in self.list(plural, namespace) if one["metadata"]["name"] == name), None)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("tls")
    hooks.certificates(path, "IP:127.0.0.1", "hook.shop.svc")
    (path / "other").mkdir()
    hooks.certificates(path / "other", "IP:127.0.0.1")
    return path


def bundle(directory):
    return base64.b64encode((directory / "ca.crt").read_bytes()).decode()


def webhook(url, ca, name="one", **more):
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"], "operations": ["*"]}
    return {"name": f"{name}.test.example", "clientConfig": {"url": url, "caBundle": ca}, "timeoutSeconds": 30,
            "sideEffects": "None", "admissionReviewVersions": ["v1"], "rules": [rule], **more}


def configuration(*webhooks, name="test"):
    return {"metadata": {"name": name, "uid": name, "resourceVersion": "1"}, "webhooks": list(webhooks)}


def config_map(**labels):
    return {"kind": "ConfigMap", "apiVersion": "v1",
            "metadata": {"name": "thing", "namespace": "shop", "labels": labels}}


def attributes(obj=None, operation="CREATE", resource="configmaps", old=None, **request):
    namespace = request.pop("namespace", "shop")
    request = Request("create", find(resource), namespace, user=User("admin"), **request)
    return Attributes(request, operation, obj, old, {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"})


async def judge(lookup, one, kind="Mutating"):
    """The object as webhooks leave it, or the ApiError."""
    admission = Admission(lookup)
    try:
        if kind == "Mutating":
            return await admission.mutate(one)
        return await admission.validate(one)
    except ApiError as error:
        return error
    finally:
        await admission.close()


def serve(directory, use):
    """use(port, requests) while a webhook serves."""
    async def run():
        async with hooks.serving(directory) as (port, requests):
            return await use(port, requests), requests
    return asyncio.run(run())


def case_webhook(case, port, directory):
    special = dict(SPECIAL.get(case, {}))
    ca = {"bad-ca": bundle(directory / "other"), "no-ca": ""}.get(case, bundle(directory))
    made = webhook(f"https://127.0.0.1:{port}/{special.pop('path', case)}", ca, case)
    made["clientConfig"] = special.pop("clientConfig", made["clientConfig"])
    return made | special | ({"timeoutSeconds": 1} if "slow" in case else {})


@pytest.mark.parametrize("kind", KINDS)
def test_answers_have_the_effect_they_have_on_a_real_server(directory, kind):
    service = {"metadata": {"name": "hook", "namespace": "shop"}, "spec": {"ports": [{"port": 443}]}}
    turns = asyncio.Semaphore(4)  # so that only what is meant to be slow takes its second

    async def answer(port, case):
        lookup = Lookup(services=[service],
                        **{KINDS[kind]: [configuration(case_webhook(case, port, directory))]})
        one = attributes(config_map(case=case))
        async with turns:
            result = await judge(lookup, one, kind)
        if isinstance(result, ApiError):
            found = shown(result)
        else:
            found = {"labels": (result or one.object)["metadata"]["labels"]}
        if one.request.warnings:
            found["warnings"] = one.request.warnings
        return json.loads(json.dumps(found).replace(str(port), "PORT").replace("timeout=30s", "timeout=1s"))

    async def use(port, _):
        return await asyncio.gather(*(answer(port, case) for case in ANSWERS[kind]))

    found, _ = serve(directory, use)
    assert dict(zip(ANSWERS[kind], found)) == ANSWERS[kind]


def shown(error):
    """A Status as the fixtures have it."""
    keys = ("code", "reason", "message", "details")
    status = {key: error.status[key] for key in keys if key in error.status}
    if "causes" in status.get("details", ()):
        assert status["message"] == f"Internal error occurred: {status['details']['causes'][0]['message']}"
        del status["details"]
    status["message"] = re.sub('response.uid="[-0-9a-f]{36}"', 'response.uid="UID"', status["message"])
    return status


def call(directory, *cases, obj=None, kind="Mutating", **more):
    """(result, requests, attributes) of webhooks that answer as `cases` say, and match everything."""
    one = attributes(obj or config_map(), **more)

    async def use(port, _):
        lookup = Lookup(**{KINDS[kind]: [configuration(*(
            webhook(f"https://127.0.0.1:{port}/{case}", bundle(directory), case) for case in cases))]})
        return await judge(lookup, one, kind)

    result, requests = serve(directory, use)
    return result, requests, one


def test_review_is_what_a_real_server_sends(directory):
    real = recorded.load("admission/create-pods-eviction-by-admin-07.json")["request"]
    one = attributes(real["object"], resource="pods", namespace=real["namespace"], name=real["name"],
                     subresource="eviction")
    info = real["userInfo"]
    one.request.user = User(info["username"], tuple(info["groups"]), extra=info["extra"])

    async def use(port, _):
        lookup = Lookup(mutatingwebhookconfigurations=[
            configuration(webhook(f"https://127.0.0.1:{port}/allow", bundle(directory)))])
        rules = lookup.objects["mutatingwebhookconfigurations"][0]["webhooks"][0]["rules"]
        rules[0]["resources"] = ["pods/eviction"]
        await judge(lookup, one)

    _, [(_, query, sent)] = serve(directory, use)
    assert query == {"timeout": "30s"}
    assert sent == {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
                    "request": real | {"uid": sent["request"]["uid"]}}


def test_later_change_reinvokes_who_asks_for_it(directory):
    async def use(port, _):
        def made(case, **more):
            return webhook(f"https://127.0.0.1:{port}/{case}", bundle(directory), case, **more)

        first = configuration(made("warn", reinvocationPolicy="IfNeeded"), made("allow"), name="a")
        second = configuration(made("label", reinvocationPolicy="IfNeeded"), name="b")
        return await judge(Lookup(mutatingwebhookconfigurations=[second, first]), attributes(config_map()))

    result, requests = serve(directory, use)
    assert [name for name, _, _ in requests] == ["warn", "allow", "label", "warn"]
    assert requests[-1][2]["request"]["object"] == result
    assert result["metadata"]["labels"] == {"seen": "yes"}


def test_service_is_reached_at_its_endpoint_and_the_connection_kept(directory):
    connections = set()

    async def use(port, requests):
        made = webhook("", bundle(directory))
        made["clientConfig"] = {"caBundle": bundle(directory),
                                "service": {"name": "hook", "namespace": "shop", "path": "/allow"}}
        service = {"metadata": {"name": "hook", "namespace": "shop"},
                   "spec": {"clusterIP": "10.0.0.9", "ports": [{"name": "https", "port": 443}]}}
        of_service = {"kubernetes.io/service-name": "hook"}
        slices = [{"metadata": {"name": "hook-1", "namespace": "shop", "labels": of_service},
                   "ports": [{"name": "https", "port": port}],
                   "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}]}]
        lookup = Lookup(mutatingwebhookconfigurations=[configuration(made)], services=[service],
                        endpointslices=slices)
        admission = Admission(lookup)
        for _ in range(3):
            await admission.mutate(attributes(config_map()))
            connections.update(admission._client._session.connector._conns)
        await admission.close()
        slices[0]["endpoints"][0]["conditions"]["ready"] = False
        return await judge(lookup, attributes(config_map()))

    error, requests = serve(directory, use)
    assert len(requests) == 3 and len(connections) == 1
    assert error.message.endswith('Post "https://hook.shop.svc:443/allow?timeout=30s": dial tcp 10.0.0.9:443: '
                                  "connect: connection refused")


def test_address_that_the_certificate_lacks_is_refused(directory):
    async def use(port, _):
        lookup = Lookup(mutatingwebhookconfigurations=[
            configuration(webhook(f"https://127.0.0.1:{port}/allow", bundle(directory / "named")))])
        return await judge(lookup, attributes(config_map()))

    (directory / "named").mkdir()
    hooks.certificates(directory / "named", "localhost")
    error, requests = serve(directory / "named", use)
    assert "tls: failed to verify certificate: x509: certificate is not valid" in error.message
    assert not requests


def test_connection_that_is_cut_is_not_tried_again(directory):
    error, requests, _ = call(directory, "cut")
    assert re.search(r'Post "https://127.0.0.1:\d+/cut\?timeout=30s": EOF$', error.message)
    assert len(requests) == 1


def test_long_failure_is_cut_off(directory):
    error, _, _ = call(directory, "text-500-long")
    assert "x" * 2048 in error.message and "x" * 2049 not in error.message


def test_dry_run_needs_a_webhook_without_side_effects(directory):
    made = webhook("https://127.0.0.1:1/", "", sideEffects="Some", failurePolicy="Ignore")
    one = attributes(config_map())
    one.dry_run = True
    error = asyncio.run(judge(Lookup(mutatingwebhookconfigurations=[configuration(made)]), one))
    assert error.code == 400
    assert error.message == 'admission webhook "one.test.example" does not support dry run'


def test_patch_of_what_is_deleted_is_an_error(directory):
    old = config_map()

    async def use(port, _):
        lookup = Lookup(mutatingwebhookconfigurations=[
            configuration(webhook(f"https://127.0.0.1:{port}/label", bundle(directory),
                                  failurePolicy="Ignore"))])
        return await judge(lookup, attributes(None, "DELETE", old=old))

    error, [(_, _, sent)] = serve(directory, use)
    assert sent["request"]["object"] is None and sent["request"]["oldObject"] == old
    assert error.message == ('Internal error occurred: admission webhook "one.test.example" attempted to '
                             "modify the object, which is not supported for this operation")


NAMESPACES = [{"metadata": {"name": "shop", "labels": {"team": "a"}}}]
# what is set in the webhook or its rule → whether it concerns the creation of a labelled ConfigMap
MATCHES = [
    ({}, {}, True),
    ({"objectSelector": {"matchLabels": {"app": "x"}}}, {}, True),
    ({"objectSelector": {"matchLabels": {"app": "y"}}}, {}, False),
    ({"namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]}}, {}, True),
    ({"namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}}, {}, False),
    ({}, {"operations": ["UPDATE"]}, False),
    ({}, {"apiGroups": ["apps"]}, False),
    ({}, {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}, True),
    ({}, {"resources": ["configmaps/status"]}, False),
    ({}, {"resources": ["*/*"]}, True),
    ({}, {"scope": "Namespaced"}, True),
    ({}, {"scope": "Cluster"}, False),
]


@pytest.mark.parametrize("more, rule, expected", MATCHES)
def test_rules_and_selectors(more, rule, expected):
    made = webhook("https://127.0.0.1:1/", "", **more)
    made["rules"][0].update(rule)
    lookup = Lookup(mutatingwebhookconfigurations=[configuration(made)], namespaces=NAMESPACES)
    result = asyncio.run(judge(lookup, attributes(config_map(app="x"))))
    assert isinstance(result, ApiError) == expected


def test_new_namespace_is_matched_by_its_own_labels():
    made = webhook("https://127.0.0.1:1/", "", namespaceSelector={"matchLabels": {"team": "b"}})
    made["rules"][0]["scope"] = "Cluster"
    namespace = {"kind": "Namespace", "apiVersion": "v1",
                 "metadata": {"name": "new", "labels": {"team": "b"}}}
    one = attributes(namespace, resource="namespaces", namespace="")
    assert one.review("u", "v")["request"]["namespace"] == "new"
    lookup = Lookup(mutatingwebhookconfigurations=[configuration(made)])
    assert isinstance(asyncio.run(judge(lookup, one)), ApiError)


def test_missing_namespace_is_not_found():
    made = webhook("https://127.0.0.1:1/", "", namespaceSelector={"matchLabels": {"team": "b"}})
    lookup = Lookup(validatingwebhookconfigurations=[configuration(made)])
    error = asyncio.run(judge(lookup, attributes(config_map()), "Validating"))
    assert (error.code, error.message) == (404, 'namespaces "shop" not found')


def test_configuration_of_webhooks_is_exempt():
    made = webhook("https://127.0.0.1:1/", "")
    obj = configuration(made)
    one = attributes(obj, resource="mutatingwebhookconfigurations", namespace="")
    assert asyncio.run(judge(Lookup(mutatingwebhookconfigurations=[obj]), one)) == obj
