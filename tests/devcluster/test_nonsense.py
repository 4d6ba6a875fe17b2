"""Requests that make no sense are refused, and harm nothing that is stored."""

import pytest
from test_apiserver import CRD, CRDS, MAPS, MERGE, PODS, STRATEGIC, V1, WIDGETS, config, pod, scenario

JSON_PATCH = "application/json-patch+json"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
DEPLOYMENT = {"metadata": {"name": "w"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {
    "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}}}


@pytest.mark.parametrize(("body", "code"), [
    ('{"kind": 1}', 400), ('{"apiVersion": []}', 400), ("[]", 400), ("null", 422), ('{"metadata": null}', 422)])
def test_a_body_that_is_no_object_of_the_kind(body, code):
    async def work(api):
        assert (await api("POST", MAPS, body)).status == code

    scenario(work)


def test_text_that_is_not_unicode_does_not_spoil_the_list():
    async def work(api):
        assert (await api("POST", MAPS, r'{"metadata": {"name": "a"}, "data": {"a": "\ud800"}}')).status == 201
        assert (await api("GET", MAPS)).body["items"][0]["data"] == {"a": "?"}

    scenario(work)


@pytest.mark.parametrize("query", ["dryRun=x", "dryRun=", "fieldValidation=x", "fieldManager=" + "m" * 129])
def test_a_write_with_a_parameter_that_means_nothing_is_none(query):
    async def work(api):
        await api("POST", MAPS, config("a"))
        assert (await api("POST", f"{MAPS}?{query}", config("b"))).status == 422
        assert (await api("PATCH", f"{MAPS}/a?{query}", {"data": {"k": "v"}}, content_type=MERGE)).status == 422
        if query.startswith("dryRun"):
            assert (await api("DELETE", f"{MAPS}/a?{query}")).status == 422
        assert [one["metadata"]["name"] for one in (await api("GET", MAPS)).body["items"]] == ["a"]

    scenario(work)


@pytest.mark.parametrize(("body", "code"), [
    ("[]", 400), ('{"kind": "Pod"}', 400), ('{"gracePeriodSeconds": "x"}', 400), ('{"dryRun": "All"}', 400),
    ('{"dryRun": ["x"]}', 422), ("null", 200)])
def test_options_of_a_deletion(body, code):
    async def work(api):
        await api("POST", MAPS, config("a"))
        assert (await api("DELETE", f"{MAPS}/a", body)).status == code
        assert (await api("GET", f"{MAPS}/a")).status == (404 if code == 200 else 200)
        assert (await api("DELETE", f"{MAPS}/a?gracePeriodSeconds=x")).status == 400

    scenario(work)


@pytest.mark.parametrize(("content_type", "body", "code"), [
    (MERGE, {"metadata": None}, 400), (MERGE, {"metadata": {"name": "z"}}, 400),
    (MERGE, {"metadata": {"namespace": "z"}}, 400), (MERGE, {"kind": "Pod"}, 422), (MERGE, {"apiVersion": "v2"}, 422),
    (STRATEGIC, {"$patch": "delete"}, 400), (STRATEGIC, {"kind": "Pod"}, 200), (MERGE, {"kind": None}, 200),
    (JSON_PATCH, [{"op": "replace", "path": "", "value": {}}], 400),
    (JSON_PATCH, [{"op": "remove", "path": "/kind"}], 200)])
def test_a_patched_object_is_still_that_object(content_type, body, code):
    async def work(api):
        await api("POST", DEPLOYMENTS, DEPLOYMENT)
        assert (await api("PATCH", f"{DEPLOYMENTS}/w", body, content_type=content_type)).status == code
        kept = (await api("GET", f"{DEPLOYMENTS}/w")).body
        assert (kept["kind"], kept["apiVersion"]) == ("Deployment", "apps/v1")

    scenario(work)


def test_evictions_and_bindings_name_their_pod():
    async def work(api):
        await api("POST", PODS, pod("a"))
        for subresource, body in (("eviction", {}), ("binding", {"target": {"name": "n"}})):
            answer = await api("POST", f"{PODS}/a/{subresource}", body)
            assert answer.status == 400 and "name in URL does not match name in" in answer.body["message"]

    scenario(work)


def test_replicas_of_a_scale():
    async def work(api):
        await api("POST", DEPLOYMENTS, DEPLOYMENT)
        await api("POST", CRDS, CRD)
        await api("POST", WIDGETS, {"apiVersion": "example.dev/v1", "kind": "Widget", "metadata": {"name": "a"}})
        for path in (f"{DEPLOYMENTS}/w", f"{WIDGETS}/a"):
            for replicas, code in ((-1, 422), ("x", 400), (1.5, 400), (2, 200)):
                answer = await api("PATCH", f"{path}/scale", {"spec": {"replicas": replicas}}, content_type=MERGE)
                assert answer.status == code, (path, replicas)
        refused = await api("PATCH", f"{DEPLOYMENTS}/w/scale", {"spec": {"replicas": -1}}, content_type=MERGE)
        assert refused.body["message"].startswith('Scale.autoscaling "w" is invalid: spec.replicas: ')

    scenario(work)


def test_a_token_for_too_short_a_time():
    async def work(api):
        await api("POST", f"{V1}/serviceaccounts", {"metadata": {"name": "a"}})
        answer = await api("POST", f"{V1}/serviceaccounts/a/token", {"spec": {"expirationSeconds": 1}})
        assert answer.status == 422 and "less than 10 minutes" in answer.body["message"]

    scenario(work)


def test_a_long_selector():
    async def work(api):
        assert (await api("GET", f"{MAPS}?labelSelector=a+in+({','.join(['x' * 60] * 500)})")).status == 200

    scenario(work)
