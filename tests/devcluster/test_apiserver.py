"""The API server as a whole, over HTTPS: who may ask, what is refused, and the life of objects."""

import asyncio
import gzip

import aiohttp
from aiohttp import web
from running import until
from serving import serving

V1 = "/api/v1/namespaces/default"
PODS, MAPS = f"{V1}/pods", f"{V1}/configmaps"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WIDGETS = "/apis/example.dev/v1/namespaces/default/widgets"
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.dev"},
    "spec": {
        "group": "example.dev", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [
            {"name": name, "served": True, "storage": name == "v1",
             "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.size",
                                                      "statusReplicasPath": ".status.size"}},
             "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                 "spec": {"type": "object", "properties": {
                     "size": {"type": "integer", "default": 1, "minimum": 0}}},
                 "status": {"type": "object", "properties": {"size": {"type": "integer"}}}}}}}
            for name in ("v1", "v2")]}}


def scenario(work, **options):
    async def run():
        async with serving(**options) as api:
            await work(api)

    asyncio.run(run())


def pod(name, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "x"}], **spec}}


def config(name, **more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **more}}


async def running(api, name):
    await api("POST", PODS, pod(name, nodeName="n"))
    await api("PATCH", f"{PODS}/{name}/status",
              {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}},
              content_type=STRATEGIC)


async def evict(api, name, query="", **body):
    return await api("POST", f"{PODS}/{name}/eviction{query}",
                     {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}, **body})


async def budget(api, name, **status):
    await api("POST", BUDGETS, {"metadata": {"name": name}, "spec": {
        "minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}})
    await api("PATCH", f"{BUDGETS}/{name}/status", {"status": {"observedGeneration": 1, **status}},
              content_type=MERGE)


# who asks

def test_without_credentials_only_health_and_version_can_be_read():
    async def work(api):
        for path in ("/readyz", "/livez", "/healthz", "/version"):
            assert (await api("GET", path, token=None)).status == 200
        answer = await api("GET", f"{PODS}/x", token=None)
        assert answer.status == 403
        assert answer.body["message"] == ('pods "x" is forbidden: User "system:anonymous" cannot get '
                                          'resource "pods" in API group "" in the namespace "default"')
        assert (await api("GET", PODS, token="wrong")).status == 401

    scenario(work)


def test_a_client_certificate_names_user_and_groups():
    async def work(api):
        answer = await api("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, token=None)
        info = answer.body["status"]["userInfo"]
        assert (info["username"], info["groups"]) == ("jane", ["ops", "dev", "system:authenticated"])

    scenario(work, certificate=True)


def test_the_token_of_a_service_account_dies_with_it():
    async def work(api):
        account = {"metadata": {"name": "worker"}}
        await api("POST", f"{V1}/serviceaccounts", account)
        answer = await api("POST", f"{V1}/serviceaccounts/worker/token", {"spec": {}})
        token = answer.body["status"]["token"]
        review = {"spec": {"token": token}}
        reviewed = (await api("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)).body["status"]
        assert reviewed["user"]["username"] == "system:serviceaccount:default:worker"
        assert reviewed["user"]["groups"] == ["system:serviceaccounts", "system:serviceaccounts:default",
                                              "system:authenticated"]
        assert (await api("GET", PODS, token=token)).status == 200
        assert (await api("GET", PODS, token=token[:-2])).status == 401
        await api("DELETE", f"{V1}/serviceaccounts/worker")
        await api("POST", f"{V1}/serviceaccounts", account)
        assert (await api("GET", PODS, token=token)).status == 401

    scenario(work)


# what is refused, and what a body may be

def test_a_pod_has_the_token_of_its_account_mounted():
    def account(name, **more):
        return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}, **more}

    async def work(api):
        refused = await api("POST", PODS, pod("early", serviceAccountName="robot"))
        assert refused.status == 403
        assert refused.body["message"] == ('pods "early" is forbidden: error looking up service account '
                                           'default/robot: serviceaccount "robot" not found')
        await api("POST", f"{V1}/serviceaccounts", account("robot", imagePullSecrets=[{"name": "pull"}]))
        await api("POST", f"{V1}/serviceaccounts", account("shy", automountServiceAccountToken=False))
        mine = {"name": "mine", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
        own = [{"name": "c", "image": "x", "volumeMounts": [mine]}]
        for name, more, mounted in (
                ("named", {"serviceAccountName": "robot"}, True),
                ("default", {}, True),
                ("shy", {"serviceAccountName": "shy"}, False),
                ("willing", {"serviceAccountName": "shy", "automountServiceAccountToken": True}, True),
                ("unwilling", {"automountServiceAccountToken": False}, False),
                ("own", {"containers": own, "volumes": [{"name": "mine", "emptyDir": {}}]}, False)):
            spec = (await api("POST", PODS, pod(name, **more))).body["spec"]
            added = [one["name"] for one in spec.get("volumes", ()) if one["name"].startswith("kube-api-access-")]
            mounts = [one["name"] for one in spec["containers"][0].get("volumeMounts", ()) if one["name"] != "mine"]
            assert (len(added), mounts) == (int(mounted), added), name
            assert spec.get("imagePullSecrets") == ([{"name": "pull"}] if name == "named" else None), name

    scenario(work)


def test_bodies_have_a_limit_and_a_type():
    async def work(api):
        assert (await api("POST", MAPS, "x" * (3 << 20) + "y")).status == 413
        assert (await api("POST", MAPS, "x", content_type="text/plain")).status == 415
        made = await api("POST", MAPS, "metadata:\n  name: y\ndata:\n  day: 2026-01-01\n",
                         content_type="application/yaml")
        assert made.body["data"] == {"day": "2026-01-01"}

    scenario(work)


def test_what_python_reads_and_json_is_not_is_refused():
    async def work(api):
        for body in ('{"kind": NaN}', '{"kind": -Infinity}', "[" * 100_000, '{"kind": "x"'):
            assert (await api("POST", MAPS, body)).status == 400, body[:20]

    scenario(work)


def test_large_answers_are_compressed_for_those_who_take_it():
    async def work(api):
        await api("POST", MAPS, {**config("big"), "data": {"a": "b" * 200_000}})
        async with aiohttp.ClientSession(connector=api.session.connector, connector_owner=False,
                                         auto_decompress=False) as raw:
            headers = {"Authorization": "Bearer test-token", "Accept-Encoding": "gzip"}
            async with raw.get(f"{api.server}{MAPS}/big", headers=headers) as answer:
                assert answer.headers["Content-Encoding"] == "gzip"
                assert b'"big"' in gzip.decompress(await answer.read())

    scenario(work)


def test_a_dry_run_stores_nothing():
    async def work(api):
        made = await api("POST", f"{MAPS}?dryRun=All", config("x"))
        assert made.status == 201 and "resourceVersion" not in made.body["metadata"]
        assert (await api("GET", f"{MAPS}/x")).status == 404
        await api("POST", MAPS, config("x"))
        before = api.core.store.version
        patched = await api("PATCH", f"{MAPS}/x?dryRun=All", {"data": {"a": "b"}}, content_type=MERGE)
        assert patched.body["data"] == {"a": "b"}
        assert (await api("DELETE", f"{MAPS}/x?dryRun=All")).body["status"] == "Success"
        assert (await api("DELETE", f"{MAPS}?dryRun=All")).status == 200
        assert api.core.store.version == before

    scenario(work)


def test_a_write_that_changes_nothing_has_no_version():
    async def work(api):
        await api("POST", MAPS, {**config("x"), "data": {"a": "b"}})
        before = api.core.store.version
        for body in ({"data": {"a": "b"}}, {"metadata": {"labels": {}}}):
            await api("PATCH", f"{MAPS}/x", body, content_type=MERGE)
        assert api.core.store.version == before

    scenario(work)


def test_patches_of_one_object_at_a_time_all_take_effect():
    async def work(api):
        await api("POST", MAPS, config("x"))
        answers = await asyncio.gather(*(
            api("PATCH", f"{MAPS}/x", {"data": {f"k{count}": "v"}}, content_type=MERGE)
            for count in range(20)))
        assert {answer.status for answer in answers} == {200}
        assert len((await api("GET", f"{MAPS}/x")).body["data"]) == 20

    scenario(work)


# how objects end

def test_a_namespace_that_ends_takes_nothing_new_and_goes_when_finalized():
    async def work(api):
        await api("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}})
        gone = (await api("DELETE", "/api/v1/namespaces/n")).body
        assert gone["status"]["phase"] == "Terminating"
        refused = await api("POST", "/api/v1/namespaces/n/configmaps", config("x"))
        assert refused.status == 403
        assert refused.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
        await api("PUT", "/api/v1/namespaces/n/finalize",
                  {"metadata": {"name": "n"}, "spec": {"finalizers": []}})
        assert (await api("GET", "/api/v1/namespaces/n")).status == 404
        assert (await api("DELETE", "/api/v1/namespaces/default")).status == 403

    scenario(work)


def test_propagation_becomes_finalizers():
    async def work(api):
        for policy, finalizers in (("Orphan", ["a.b/c", "orphan"]),
                                   ("Foreground", ["a.b/c", "foregroundDeletion"]),
                                   ("Background", ["a.b/c"])):
            await api("POST", MAPS, config(policy.lower(), finalizers=["a.b/c"]))
            deleted = await api("DELETE", f"{MAPS}/{policy.lower()}", {"propagationPolicy": policy})
            assert deleted.body["metadata"]["finalizers"] == finalizers

    scenario(work)


def test_the_grace_of_a_pod_can_only_be_shortened():
    async def work(api):
        await running(api, "p")
        for asked, left in ((None, 30), (40, 30), (5, 5), (10, 5)):
            body = {} if asked is None else {"gracePeriodSeconds": asked}
            metadata = (await api("DELETE", f"{PODS}/p", body)).body["metadata"]
            assert metadata["deletionGracePeriodSeconds"] == left
        assert metadata["generation"] == 2
        await api("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 0})
        assert (await api("GET", f"{PODS}/p")).status == 404

    scenario(work)


# evictions

def test_an_eviction_spends_its_budget_and_marks_the_pod():
    async def work(api):
        await running(api, "p")
        await budget(api, "b", disruptionsAllowed=1, currentHealthy=2, desiredHealthy=1)
        for dry in ({"query": "?dryRun=All"}, {"deleteOptions": {"dryRun": ["All"]}}):
            assert (await evict(api, "p", **dry)).status == 201
        assert (await api("GET", f"{BUDGETS}/b")).body["status"]["disruptionsAllowed"] == 1
        assert (await evict(api, "p", deleteOptions={"gracePeriodSeconds": 7})).status == 201
        ended = (await api("GET", f"{PODS}/p")).body
        assert ended["metadata"]["deletionGracePeriodSeconds"] == 7
        assert ended["status"]["conditions"][-1]["type"] == "DisruptionTarget"
        status = (await api("GET", f"{BUDGETS}/b")).body["status"]
        assert status["disruptionsAllowed"] == 0 and list(status["disruptedPods"]) == ["p"]

    scenario(work)


def test_an_eviction_is_refused_in_the_words_that_clients_retry_on():
    async def work(api):
        await running(api, "p")
        await budget(api, "b", disruptionsAllowed=0, currentHealthy=1, desiredHealthy=1)
        refused = await evict(api, "p")
        assert refused.status == 429 and "Retry-After" not in refused.headers
        assert refused.body["details"]["causes"] == [{
            "reason": "DisruptionBudget",
            "message": "The disruption budget b needs 1 healthy pods and has 1 currently"}]
        await api("PATCH", f"{BUDGETS}/b", {"spec": {"minAvailable": 2}}, content_type=MERGE)
        unseen = await evict(api, "p")
        assert unseen.status == 429 and unseen.headers["Retry-After"] == "10"
        await budget(api, "b2")
        assert (await evict(api, "p")).status == 500

    scenario(work)


def test_a_pod_that_is_not_ready_goes_where_enough_others_are():
    async def work(api):
        for name, policy, healthy, status in (("a", None, 1, 201), ("b", None, 0, 429), ("c", "AlwaysAllow", 0, 201)):
            await api("POST", PODS, pod(name, nodeName="n"))
            await api("PATCH", f"{PODS}/{name}/status", {"status": {"phase": "Running"}}, content_type=MERGE)
            await api("DELETE", f"{BUDGETS}/b")
            await api("POST", BUDGETS, {"metadata": {"name": "b"}, "spec": {
                "minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}, "unhealthyPodEvictionPolicy": policy}})
            await api("PATCH", f"{BUDGETS}/b/status", {"status": {
                "observedGeneration": 1, "currentHealthy": healthy, "desiredHealthy": 1}}, content_type=MERGE)
            assert (await evict(api, name)).status == status

    scenario(work)


# binding, logs

def test_a_pod_is_bound_once():
    async def work(api):
        await api("POST", PODS, pod("p"))
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"name": "n"}}
        assert (await api("POST", f"{PODS}/p/binding", binding)).status == 201
        bound = (await api("GET", f"{PODS}/p")).body
        assert bound["spec"]["nodeName"] == "n"
        assert [one["type"] for one in bound["status"]["conditions"]] == ["PodScheduled"]
        again = await api("POST", f"{PODS}/p/binding", binding)
        assert again.status == 409 and 'already assigned to node "n"' in again.body["message"]

    scenario(work)


def test_a_log_comes_from_the_endpoint_that_the_node_publishes():
    async def work(api):
        async def handle(request):
            return web.Response(text=f"{request.path} {request.query_string}")

        runner = web.ServerRunner(web.Server(handle))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        status = {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                  "daemonEndpoints": {"kubeletEndpoint": {"Port": runner.addresses[0][1]}}}
        await api("POST", "/api/v1/nodes", {"metadata": {"name": "n"}, "status": status})
        await running(api, "p")
        log = await api("GET", f"{PODS}/p/log?tailLines=5")
        assert log.text == "/containerLogs/default/p/c tailLines=5"
        assert (await api("GET", f"{PODS}/p/log?container=d")).status == 400
        await runner.cleanup()

    scenario(work)


# custom kinds

def test_a_custom_kind_is_served_defaulted_pruned_and_scaled():
    async def work(api):
        assert (await api("POST", CRDS, CRD)).status == 201
        made = await api("POST", WIDGETS, {"apiVersion": "example.dev/v1", "kind": "Widget",
                                           "metadata": {"name": "w"}, "spec": {"nope": 1}})
        assert made.body["spec"] == {"size": 1}
        assert made.headers["Warning"] == '299 - "unknown field \\"spec.nope\\""'
        strict = await api("PATCH", f"{WIDGETS}/w?fieldValidation=Strict", {"spec": {"nope": 1}},
                           content_type=MERGE)
        assert strict.status == 400
        assert 'strict decoding error: unknown field "spec.nope"' in strict.body["message"]
        assert (await api("PATCH", f"{WIDGETS}/w", {"spec": {"size": -1}}, content_type=MERGE)).status == 422
        assert (await api("PATCH", f"{WIDGETS}/w", {}, content_type=STRATEGIC)).status == 415
        scaled = await api("PATCH", f"{WIDGETS}/w/scale", {"spec": {"replicas": 3}}, content_type=MERGE)
        assert scaled.body["kind"] == "Scale" and scaled.body["spec"] == {"replicas": 3}
        other = (await api("GET", WIDGETS.replace("/v1/", "/v2/") + "/w")).body
        assert (other["apiVersion"], other["spec"], other["metadata"]["generation"]) == (
            "example.dev/v2", {"size": 3}, 2)

    scenario(work)


def test_a_crd_takes_its_instances_with_it():
    async def work(api):
        await api("POST", CRDS, CRD)
        await api("POST", WIDGETS, {"apiVersion": "example.dev/v1", "kind": "Widget",
                                    "metadata": {"name": "w", "finalizers": ["a.b/c"]}})
        deleted = (await api("DELETE", f"{CRDS}/widgets.example.dev")).body
        assert deleted["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
        await until(lambda: is_going(api))
        assert (await api("GET", f"{CRDS}/widgets.example.dev")).status == 200
        await api("PATCH", f"{WIDGETS}/w", {"metadata": {"finalizers": None}}, content_type=MERGE)
        await until(lambda: is_gone(api))
        assert (await api("GET", WIDGETS)).text == "404 page not found\n"

    async def is_going(api):
        return "deletionTimestamp" in (await api("GET", f"{WIDGETS}/w")).body["metadata"]

    async def is_gone(api):
        return (await api("GET", f"{CRDS}/widgets.example.dev")).status == 404

    scenario(work)


# faults on demand

def test_faults_meet_the_requests_they_name_so_many_times():
    async def work(api):
        fault = {"verb": "get", "resource": "configmaps", "times": 2, "code": 503, "message": "later",
                 "retryAfter": 3}
        assert (await api("POST", "/devcluster/faults", fault)).status == 200
        await api("POST", MAPS, config("x"))
        for _ in range(2):
            answer = await api("GET", f"{MAPS}/x")
            assert (answer.status, answer.body["message"]) == (503, "later")
            assert answer.headers["Retry-After"] == "3"
        assert (await api("GET", f"{MAPS}/x")).status == 200
        await api("POST", "/devcluster/faults", {"times": 1, "code": 500, "userAgent": "someone-else"})
        assert (await api("GET", f"{MAPS}/x")).status == 200
        assert len((await api("GET", "/devcluster/faults")).body["faults"]) == 1
        assert (await api("DELETE", "/devcluster/faults")).body == {"faults": []}
        assert (await api("GET", "/devcluster/faults", token=None)).status == 403

    scenario(work)
