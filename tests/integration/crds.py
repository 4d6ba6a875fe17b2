"""The CRDs: would an API server take them, do the samples pass, is what is wrong refused."""

import copy
import re
import unittest

import cel
import crd
import tree

CRDS = {name: tree.load_one(tree.MANIFESTS / "crds" / f"{plural}.yaml")
        for name, plural in (("TrafficPolicy", "trafficpolicies"), ("Rollout", "rollouts"))}
POLICY = {
    "apiVersion": "sluice.dev/v1alpha1",
    "kind": "TrafficPolicy",
    "metadata": {"name": "p", "namespace": "shop"},
    "spec": {"selector": {"matchLabels": {"app": "p"}},
             "loadBalancers": [
                 {"name": "edge", "haproxy": {"address": "tcp://10.0.0.2:9999", "backend": "web",
                                              "port": 8080}},
                 {"name": "slb", "external": {}},
                 {"name": "cloud", "webhook": {"url": "https://adapter.lb.svc/members",
                                               "port": 8080}}]},
}
ROLLOUT = {
    "apiVersion": "sluice.dev/v1alpha1",
    "kind": "Rollout",
    "metadata": {"name": "r", "namespace": "shop"},
    "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "r"},
             "rolloutPlan": {"rolloutBatches": [{"replicas": 1}, {"replicas": "50%"},
                                                {"replicas": "50%"}]}},
}
GONE = object()  # as a value in the tables: the field is removed

# Field, value, and what the answer must say; None: it must pass.
POLICY_CASES = [
    ("spec", GONE, "'spec' is a required property"),
    ("spec.selector", GONE, "'selector' is a required property"),
    ("spec.selector", {}, None),
    ("spec.selector.matchLabels.app", "a b", "does not match"),
    ("spec.selector.matchLabels.app", "x" * 64, "is too long"),
    ("spec.selector.matchLabels.app", "", None),
    ("spec.selector.matchExpressions", [{"key": "a", "operator": "In"}],
     "In and NotIn need"),
    ("spec.selector.matchExpressions", [{"key": "a", "operator": "Exists", "values": ["b"]}],
     "take none"),
    ("spec.selector.matchExpressions", [{"key": "a", "operator": "Exists"}], None),
    ("spec.selector.matchExpressions", [{"key": "a", "operator": "NotIn", "values": ["b"]}], None),
    ("spec.selector.matchExpressions", [{"key": "a", "operator": "Gt", "values": ["1"]}],
     "is not one of"),
    ("spec.surprise", 1, "'surprise' was unexpected"),
    ("spec.readinessGate", "yes", "is not of type 'boolean'"),
    ("spec.preStop.sleepSeconds", 0, None),
    ("spec.preStop.sleepSeconds", -1, "less than the minimum"),
    ("spec.preStop.sleepSeconds", 3601, "greater than the maximum"),
    ("spec.drain.waitSeconds", 3601, "greater than the maximum"),
    ("spec.drain.propagationSeconds", -1, "less than the minimum"),
    ("spec.drain.timeoutSeconds", 0, "less than the minimum"),
    ("spec.drain.timeoutSeconds", 86401, "greater than the maximum"),
    ("spec.drain.timeoutSeconds", 5, None),
    ("spec.drain.timeoutSeconds", 4, ".spec.drain.timeoutSeconds: waitSeconds plus"),
    ("spec.drain.waitSeconds", 59, ".spec.drain.timeoutSeconds: waitSeconds plus"),
    ("spec.drain.onTimeout", "hold", "is not one of"),
    ("spec.evictions", "Deny", "is not one of"),
    ("spec.loadBalancers", [], None),
    ("spec.loadBalancers.0.external", {}, "exactly one of haproxy, external and webhook"),
    ("spec.loadBalancers.0.haproxy", GONE, "exactly one of haproxy, external and webhook"),
    ("spec.loadBalancers.1.webhook", {"url": "http://a", "port": 1},
     "exactly one of haproxy, external and webhook"),
    ("spec.loadBalancers.2", {"name": "all", "external": {}, "webhook": {"url": "http://a", "port": 1},
                              "haproxy": {"address": "tcp://lb:1", "backend": "b", "port": 1}},
     "exactly one of haproxy, external and webhook"),
    ("spec.loadBalancers.1.external.vip", "10.0.0.1", "'vip' was unexpected"),
    ("spec.loadBalancers.1.name", "edge", "Duplicate value"),
    ("spec.loadBalancers.1.name", GONE, "'name' is a required property"),
    ("spec.loadBalancers.1.name", "Edge", "does not match"),
    ("spec.loadBalancers.1.name", "x" * 64, "is too long"),
    ("spec.loadBalancers", [{"name": f"n{i}", "external": {}} for i in range(17)], "is too long"),
    ("spec.loadBalancers.0.haproxy.backend", GONE, "'backend' is a required property"),
    ("spec.loadBalancers.0.haproxy.backend", "", "is too short"),
    ("spec.loadBalancers.0.haproxy.backend", "web/1", "does not match"),
    ("spec.loadBalancers.0.haproxy.backend", "web;x", "does not match"),
    ("spec.loadBalancers.0.haproxy.backend", "we b", "does not match"),
    ("spec.loadBalancers.0.haproxy.backend", "x" * 129, "is too long"),
    ("spec.loadBalancers.0.haproxy.port", 0, "less than the minimum"),
    ("spec.loadBalancers.0.haproxy.port", 65536, "greater than the maximum"),
    ("spec.loadBalancers.0.haproxy.address", GONE, "'address' is a required property"),
    ("spec.loadBalancers.0.haproxy.address", "tcp://[fd00::1]:9999", None),
    ("spec.loadBalancers.0.haproxy.address", "tcp://lb.example.com:65535", None),
    ("spec.loadBalancers.0.haproxy.address", "unix:///run/haproxy.sock", None),
    ("spec.loadBalancers.0.haproxy.address", "tcp://lb:65536", "does not match"),
    ("spec.loadBalancers.0.haproxy.address", "tcp://lb:0", "does not match"),
    ("spec.loadBalancers.0.haproxy.address", "tcp://lb", "does not match"),
    ("spec.loadBalancers.0.haproxy.address", "http://lb:80", "does not match"),
    ("spec.loadBalancers.0.haproxy.address", "unix://run/haproxy.sock", "does not match"),
    ("spec.loadBalancers.0.haproxy.serverTemplate", "web", None),
    ("spec.loadBalancers.0.haproxy.serverTemplate", "", "is too short"),
    ("spec.loadBalancers.0.haproxy.serverTemplate", "web;", "does not match"),
    ("spec.loadBalancers.2.webhook.port", GONE, "'port' is a required property"),
    ("spec.loadBalancers.2.webhook.port", 65536, "greater than the maximum"),
    ("spec.loadBalancers.2.webhook.url", GONE, "'url' is a required property"),
    ("spec.loadBalancers.2.webhook.url", "http://[fd00::1]:8080/a?b=c", None),
    ("spec.loadBalancers.2.webhook.url", "http://10.0.0.2", None),
    ("spec.loadBalancers.2.webhook.url", "http://", "does not match"),
    ("spec.loadBalancers.2.webhook.url", "ftp://a", "does not match"),
    ("spec.loadBalancers.2.webhook.url", "http://me:secret@a/", "does not match"),
    ("spec.loadBalancers.2.webhook.url", "http://a:65536", "does not match"),
    ("spec.loadBalancers.2.webhook.url", "http://a/b c", "does not match"),
    ("spec.loadBalancers.2.webhook.url", "http://a/#b", "does not match"),
    ("spec.loadBalancers.2.webhook.url", "http://a/" + "x" * 2048, "is too long"),
    ("metadata.name", "x" * 63, None),
    ("metadata.name", "x" * 64, "at most 63 characters"),
]

ROLLOUT_CASES = [
    ("spec.rolloutPlan", GONE, "'rolloutPlan' is a required property"),
    ("spec.workloadRef", GONE, "'workloadRef' is a required property"),
    ("spec.workloadRef.apiVersion", GONE, "'apiVersion' is a required property"),
    ("spec.workloadRef.apiVersion", "apps/v1/x", "does not match"),
    ("spec.workloadRef.apiVersion", "apps.kruise.io/v1alpha1", None),
    ("spec.workloadRef.kind", GONE, "'kind' is a required property"),
    ("spec.workloadRef.kind", "deployment", "does not match"),
    ("spec.workloadRef.name", GONE, "'name' is a required property"),
    ("spec.workloadRef.name", "-r", "does not match"),
    ("spec.paused", "true", "is not of type 'boolean'"),
    ("spec.update", "InPlace", "is not one of"),
    ("spec.rolloutPlan.batchSize", 4, "exactly one of rolloutBatches and batchSize"),
    ("spec.rolloutPlan.rolloutBatches", GONE, "exactly one of rolloutBatches and batchSize"),
    ("spec.rolloutPlan", {"batchSize": 1}, None),
    ("spec.rolloutPlan", {"batchSize": 100000, "batchPartition": 1000}, None),
    ("spec.rolloutPlan", {"batchSize": 0}, "less than the minimum"),
    ("spec.rolloutPlan", {"batchSize": 100001}, "greater than the maximum"),
    ("spec.rolloutPlan", {"batchSize": "10%"}, "is not of type 'integer'"),
    ("spec.rolloutPlan.rolloutBatches", [], "too short"),
    ("spec.rolloutPlan.rolloutBatches", [{"replicas": 1}] * 100, None),
    ("spec.rolloutPlan.rolloutBatches", [{"replicas": 1}] * 101, "is too long"),
    ("spec.rolloutPlan.rolloutBatches", [{"pause": {"duration": "5m"}}],
     "'replicas' is a required"),
    ("spec.rolloutPlan.rolloutBatches.0.replicas", 0, "less than the minimum"),
    ("spec.rolloutPlan.rolloutBatches.0.replicas", -1, "less than the minimum"),
    ("spec.rolloutPlan.rolloutBatches.0.replicas", 100001, "greater than the maximum"),
    ("spec.rolloutPlan.rolloutBatches.0.replicas", "0%", "does not match"),
    ("spec.rolloutPlan.rolloutBatches.0.replicas", "101%", "does not match"),
    ("spec.rolloutPlan.rolloutBatches.0.replicas", "5", "does not match"),
    ("spec.rolloutPlan.rolloutBatches.0.replicas", 1.5, "not valid under any"),
    ("spec.rolloutPlan.rolloutBatches.0.replicas", "99%", None),
    ("spec.rolloutPlan.rolloutBatches.0.replicas", "100%", "only the last batch may be 100%"),
    ("spec.rolloutPlan.rolloutBatches.1.replicas", "100%", "only the last batch may be 100%"),
    ("spec.rolloutPlan.rolloutBatches.2.replicas", "100%", None),
    ("spec.rolloutPlan.rolloutBatches", [{"replicas": "100%"}, {"replicas": "100%"}],
     "only the last batch may be 100%"),
    ("spec.rolloutPlan.rolloutBatches", [{"replicas": "100%"}], None),
    ("spec.rolloutPlan.rolloutBatches.0.pause", {}, "'duration' is a required property"),
    ("spec.rolloutPlan.rolloutBatches.0.pause", {"duration": "1h30m"}, None),
    ("spec.rolloutPlan.rolloutBatches.0.pause", {"duration": "5"}, "does not match"),
    ("spec.rolloutPlan.rolloutBatches.0.pause", {"duration": "-5m"}, "does not match"),
    ("spec.rolloutPlan.batchPartition", 2, None),
    ("spec.rolloutPlan.batchPartition", 3, ".spec.rolloutPlan.batchPartition: batchPartition must"),
    ("spec.rolloutPlan.batchPartition", -1, "less than the minimum"),
    ("spec.rolloutPlan.batchPartition", 1001, "greater than the maximum"),
    ("spec.rolloutPlan", {"rolloutBatches": [{"replicas": 1}], "upgradeType": "Beta",
                          "batchPartition": 1}, None),
    ("spec.rolloutPlan", {"rolloutBatches": [{"replicas": 1}], "upgradeType": "Beta",
                          "batchPartition": 2}, "batchPartition must be the index"),
    ("spec.rolloutPlan.rolloutStrategy", "DecreaseFirst", None),
    ("spec.rolloutPlan.rolloutStrategy", "Surge", "is not one of"),
    ("spec", {"workloadRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "r"},
              "rolloutPlan": {"batchSize": 1, "rolloutStrategy": "IncreaseFirst"}},
     ".spec.rolloutPlan.rolloutStrategy: rolloutStrategy is for a Deployment only"),
    ("spec.rolloutPlan.upgradeType", "Canary", "is not one of"),
    ("spec.rolloutPlan.maxUnavailable", 1, None),
    ("spec.rolloutPlan.maxUnavailable", 0, "less than the minimum"),
    ("spec.rolloutPlan.maxUnavailable", "0%", "does not match"),
    ("spec.rolloutPlan.minReadySeconds", 86401, "greater than the maximum"),
    ("spec.rolloutPlan.minReadySeconds", 599, None),
    ("spec.rolloutPlan.minReadySeconds", 600, "must be greater than minReadySeconds"),
    ("spec.rolloutPlan.progressDeadlineSeconds", 0, "less than the minimum"),
    ("spec.rolloutPlan.progressDeadlineSeconds", 604801, "greater than the maximum"),
    ("spec.confirm", {"run": "a1", "batch": 0}, None),
    ("spec.confirm", {"run": "a1"}, "'batch' is a required property"),
    ("spec.confirm", {"batch": 0}, "'run' is a required property"),
    ("spec.confirm", {"run": "", "batch": 0}, "is too short"),
    ("spec.confirm", {"run": "x" * 64, "batch": 0}, "is too long"),
    ("spec.confirm", {"run": "a1", "batch": -1}, "less than the minimum"),
    ("spec.onFailure", "Ignore", "is not one of"),
    ("spec.deletionPolicy", "Keep", "is not one of"),
    ("status.phase", "Sleeping", "is not one of"),
    ("status.batches", [{"target": 1}, {"target": 3, "updated": 2, "ready": 2}], None),
    ("metadata.name", "x" * 64, "at most 63 characters"),
]

# What the API server fills in for the smallest object of each kind.
DEFAULTS = {
    "TrafficPolicy": ({"selector": {}}, {
        "selector": {}, "readinessGate": True, "preStop": {"sleepSeconds": 5},
        "drain": {"waitSeconds": 3, "propagationSeconds": 2, "timeoutSeconds": 60,
                  "onTimeout": "Proceed"},
        "evictions": "Drain"}),
    "Rollout": ({"workloadRef": {}, "rolloutPlan": {}}, {
        "workloadRef": {}, "paused": False, "update": "InPlaceIfPossible", "onFailure": "Pause",
        "deletionPolicy": "Freeze",
        "rolloutPlan": {"upgradeType": "Batch", "needWaitingForConfirm": False,
                        "maxUnavailable": "25%", "minReadySeconds": 0,
                        "progressDeadlineSeconds": 600}}),
}

COLUMNS = {
    "TrafficPolicy": ["PODS", "IN-SERVICE", "DRAINING", "BALANCERS", "READY", "AGE"],
    "Rollout": ["PHASE", "BATCH", "UPDATED", "READY", "MESSAGE", "AGE"],
}

# An expression, and its value; an exception's type where it must not have one.
EXPRESSIONS = [
    ("1 + 2 * 3 == 7 && !(1 > 2)", True),
    ("has(self.a) != has(self.b) ? 'one' : 'both or none'", "one"),
    ("self.l.filter(x, x > 1).size() == 2 && self.l[0] == 1", True),
    ("self.l.all(x, x > 0) && self.l.exists(x, x == 3) && self.l.exists_one(x, x == 3)", True),
    ("self.l.map(x, x + 1) == [2, 3, 4] && 'a' in self && !(4 in self.l)", True),
    ("type(self.a) == string && self.a == '50%' && self.a != 50", True),
    ("self.missing == 1 || true", True),
    ("false && self.missing == 1", False),
    ("self.missing == 1", cel.CelError),
    ("self.a < 1", cel.CelError),
    ("self.a.upperAscii()", cel.CelError),
    ("self.l.all(x > 1)", cel.CelError),
    ("(1 + 2", cel.CelError),
    ("1 +", cel.CelError),
    ("self.namespace", cel.CelError),
]


def changed(source, path, value):
    result = copy.deepcopy(source)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    at = result
    for part in parents:
        at = at[part] if isinstance(at, list) else at.setdefault(part, {})
    if value is GONE:
        del at[last]
    else:
        at[last] = value
    return result


class Schemas(unittest.TestCase):
    def test_an_api_server_would_accept_the_crds(self):
        for kind, definition in CRDS.items():
            self.assertEqual(kind, definition["spec"]["names"]["kind"])
            self.assertEqual([], list(crd.problems(definition)))

    def test_what_an_api_server_would_refuse_is_noticed(self):
        schema = "spec.versions.0.schema.openAPIV3Schema"
        selector = f"{schema}.properties.spec.properties.selector"
        rule = {"rule": "self.spec.nothing == 1", "message": "m", "reason": "FieldValueInvalid"}
        for path, value, said in [
                ("metadata.name", "trafficpolicy.sluice.dev", "<plural>.<group>"),
                ("spec.names.listKind", "Policies", "listKind"),
                (f"{selector}.type", GONE, "exactly one type"),
                (f"{selector}.oneOf", [], "oneOf is not allowed"),
                (f"{selector}.description", GONE, "a description is missing"),
                (f"{selector}.required", ["nothing"], "nothing is required but"),
                (f"{selector}.properties.matchLabels.maxProperties", GONE, "maxProperties"),
                (f"{selector}.properties.matchExpressions.x-kubernetes-list-type", GONE,
                 "list type"),
                (f"{schema}.properties.spec.properties.evictions.default", "Never", "its default"),
                (f"{schema}.properties.spec.properties.drain.default", {}, "its default"),
                (f"{selector}.x-kubernetes-int-or-string", True, "no type and the usual anyOf"),
                (f"{schema}.x-kubernetes-validations", [rule], "self.spec.nothing does not exist"),
                (f"{schema}.x-kubernetes-validations", [{**rule, "rule": "size("}],
                 "unexpected end"),
        ]:
            with self.subTest(path=path, said=said):
                found = "\n".join(crd.problems(changed(CRDS["TrafficPolicy"], path, value)))
                self.assertIn(said, found)

    def test_versions_are_namespaced_with_a_status(self):
        for definition in CRDS.values():
            spec = definition["spec"]
            version, = spec["versions"]
            self.assertEqual(("sluice.dev", "Namespaced"), (spec["group"], spec["scope"]))
            self.assertEqual("v1alpha1", version["name"])
            self.assertEqual({"status": {}}, version["subresources"])
            self.assertTrue(spec["names"]["shortNames"] and spec["names"]["categories"])

    def test_printer_columns_show_fields_that_exist(self):
        for kind, definition in CRDS.items():
            version, = definition["spec"]["versions"]
            columns = version["additionalPrinterColumns"]
            shown = [c["name"].upper() for c in columns if not c.get("priority")]
            self.assertEqual(COLUMNS[kind], shown)
            for column in columns:
                path = column["jsonPath"]
                known = version["schema"]["openAPIV3Schema"]
                lists = re.split(r'\[\?\(@\.type=="\w+"\)\]', path)
                for inside, part in enumerate(lists):
                    known = crd.resolve(known["items"] if inside else known, part.split(".")[1:])
                self.assertTrue(known or path == ".metadata.creationTimestamp", path)

    def test_defaults_are_those_of_the_design(self):
        for kind, (spec, expected) in DEFAULTS.items():
            self.assertEqual(expected, crd.default(CRDS[kind], {"spec": spec})["spec"])


class Objects(unittest.TestCase):
    def check(self, source, cases):
        definition = CRDS[source["kind"]]
        self.assertEqual([], crd.validate(definition, source))
        for path, value, said in cases:
            with self.subTest(path=path, value=value):
                errors = crd.validate(definition, changed(source, path, value))
                if said is None:
                    self.assertEqual([], errors)
                else:
                    self.assertIn(said, "\n".join(errors))

    def test_traffic_policies_are_refused_for_the_right_reason(self):
        self.check(POLICY, POLICY_CASES)

    def test_rollouts_are_refused_for_the_right_reason(self):
        self.check(ROLLOUT, ROLLOUT_CASES)


class Samples(unittest.TestCase):
    def setUp(self):
        def load(directory):
            files = sorted((tree.SAMPLES / directory).iterdir())
            return [sample for path in files for sample in tree.load(path)]

        self.samples = load("policies")
        self.rollouts = load("rollouts")
        self.balancers = load("balancers") + tree.load(
            tree.SAMPLES / "external-balancer" / "trafficpolicy.yaml")

    def test_samples_are_valid(self):
        for sample in self.samples + self.rollouts[::2] + self.balancers:
            with self.subTest(kind=sample["kind"], name=sample["metadata"]["name"]):
                self.assertEqual([], crd.validate(CRDS[sample["kind"]], sample))
                self.assertEqual("sluice.dev/v1alpha1", sample["apiVersion"])

    def test_samples_are_about_the_recorded_workloads_in_a_managed_namespace(self):
        names = {(sample["kind"], sample["metadata"]["name"]) for sample in self.samples}
        self.assertEqual({("TrafficPolicy", "productpage"), ("TrafficPolicy", "ratings"),
                          ("Rollout", "productpage"), ("Rollout", "ratings"), ("Rollout", "agent")},
                         names)
        namespace = tree.load_one(tree.SAMPLES / "namespace.yaml")
        self.assertEqual("true", namespace["metadata"]["labels"]["sluice.dev/managed"])
        recorded = {(r["kind"]["kind"], r["name"], r["namespace"])
                    for r in tree.reviews().values() if r["kind"]["group"] == "apps"}
        for sample in self.samples:
            self.assertEqual(namespace["metadata"]["name"], sample["metadata"]["namespace"])
            if sample["kind"] == "Rollout":
                ref = sample["spec"]["workloadRef"]
                self.assertIn((ref["kind"], ref["name"], "shop"), recorded)

    def test_a_sample_of_a_rollout_comes_with_its_workload(self):
        for rollout, workload in zip(self.rollouts[::2], self.rollouts[1::2], strict=True):
            self.assertEqual("Rollout", rollout["kind"])
            ref = rollout["spec"]["workloadRef"]
            self.assertEqual((workload["apiVersion"], workload["kind"], workload["metadata"]["name"]),
                             (ref["apiVersion"], ref["kind"], ref["name"]))
            self.assertEqual({"shop"}, {one["metadata"]["namespace"] for one in (rollout, workload)})


class Expressions(unittest.TestCase):
    def test_the_evaluator_agrees_with_the_language(self):
        scope = {"self": {"a": "50%", "l": [1, 2, 3]}}
        for text, expected in EXPRESSIONS:
            with self.subTest(text=text):
                if expected is cel.CelError:
                    self.assertRaises(cel.CelError,
                                      lambda text=text: cel.evaluate(cel.parse(text), scope))
                else:
                    self.assertEqual(expected, cel.evaluate(cel.parse(text), scope))


if __name__ == "__main__":
    unittest.main(verbosity=2)
