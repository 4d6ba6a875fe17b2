"""The manifests agree with one another, with the configuration and with recorded requests."""

import copy
import pathlib
import re
import shutil
import subprocess
import unittest

import cel
import tree

BASE = tree.objects(tree.MANIFESTS)
CERTS = tree.objects(tree.CERTS)
CONFIG = tree.load_one(tree.MANIFESTS / "config" / "webhook.yaml")
RECONCILER_CONFIG = tree.load_one(tree.MANIFESTS / "config" / "reconciler.yaml")
RECONCILER = "sluice-reconciler"
ROLES = {"sluice-webhook": CONFIG, RECONCILER: RECONCILER_CONFIG}
NAMESPACE = "sluice-system"
CONFIGURATIONS = [("MutatingWebhookConfiguration", "sluice-webhook", "/mutate"),
                  ("ValidatingWebhookConfiguration", "sluice-webhook", "/validate")]

FAILURE_POLICIES = {
    "pod-create.sluice.dev": "Ignore",
    "pod-update.sluice.dev": "Fail",
    "pod-evict.sluice.dev": "Ignore",
    "workload-create.sluice.dev": "Ignore",
    "workload-update.sluice.dev": "Fail",
    "policy.sluice.dev": "Fail",
}

# Recorded requests that are sent to the webhook; every other one is kept away.
ASKED = {
    "create-deployments-by-admin-00.json": "workload-create.sluice.dev",
    "create-pods-by-admin-03.json": "pod-create.sluice.dev",
    "create-pods-by-daemon-set-controller-04.json": "pod-create.sluice.dev",
    "create-pods-by-replicaset-controller-35.json": "pod-create.sluice.dev",
    "create-pods-by-statefulset-controller-06.json": "pod-create.sluice.dev",
    "create-pods-eviction-by-admin-07.json": "pod-evict.sluice.dev",
    "create-statefulsets-by-admin-09.json": "workload-create.sluice.dev",
}


def get(kind, name="sluice-webhook"):
    return BASE[kind, name]


def pod(role="sluice-webhook"):
    return get("Deployment", role)["spec"]["template"]


def container(role="sluice-webhook"):
    only, = pod(role)["spec"]["containers"]
    return only


def webhooks():
    """(webhook, path) of both configurations."""
    for kind, name, path in CONFIGURATIONS:
        for webhook in get(kind, name)["webhooks"]:
            yield webhook, path


def seconds(duration):
    number, unit = re.fullmatch(r"(\d+)(s|m|h)", duration).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


def matches_rules(webhook, request):
    """A rule for a resource is none for its subresources."""
    resource = request["resource"]
    name = "/".join(filter(None, (resource["resource"], request.get("subResource"))))
    return any(
        request["operation"] in rule["operations"] and resource["group"] in rule["apiGroups"]
        and resource["version"] in rule["apiVersions"] and name in rule["resources"]
        for rule in webhook["rules"])


def asked(request):
    """Names of the webhooks that the API server would call. A condition that fails is an error."""
    scope = {"request": request, "object": request.get("object"),
             "oldObject": request.get("oldObject")}
    return [webhook["name"] for webhook, _ in webhooks()
            if matches_rules(webhook, request) and all(
                cel.evaluate(cel.parse(condition["expression"]), scope)
                for condition in webhook.get("matchConditions", []))]


class Files(unittest.TestCase):
    def test_every_file_is_listed_and_every_kind_is_complete(self):
        for directory, others in ((tree.MANIFESTS, {"config", "samples"}), (tree.CERTS, set())):
            listed = tree.load_one(directory / "kustomization.yaml")
            expected = {"kustomization.yaml", *listed["resources"],
                        *listed.get("patchesStrategicMerge", [])}
            found = {str(path.relative_to(directory)) for path in directory.rglob("*")
                     if path.is_file() and path.relative_to(directory).parts[0] not in others}
            self.assertEqual(expected, found)

    def test_objects_live_in_their_own_restricted_namespace(self):
        cluster_wide = {"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding",
                        *(kind for kind, _, _ in CONFIGURATIONS)}
        for (kind, name), found in {**BASE, **CERTS}.items():
            with self.subTest(kind=kind, name=name):
                expected = None if kind in cluster_wide else NAMESPACE
                self.assertEqual(expected, found["metadata"].get("namespace"))
                self.assertIn("/" if "." in found["apiVersion"] else "v1", found["apiVersion"])
        labels = get("Namespace", NAMESPACE)["metadata"]["labels"]
        for mode in ("enforce", "audit", "warn"):
            self.assertEqual("restricted", labels[f"pod-security.kubernetes.io/{mode}"])
        self.assertNotIn("sluice.dev/managed", labels)

    def test_the_webhook_may_watch_and_mark_pods_and_nothing_else(self):
        bound = [binding["roleRef"]["name"] for (kind, _), binding in BASE.items()
                 if kind.endswith("RoleBinding")
                 for subject in binding["subjects"] if subject["name"] == "sluice-webhook"]
        self.assertEqual(["sluice-webhook"], bound)
        follow = {"list", "watch"}
        self.assertEqual(
            {"trafficpolicies": follow, "rollouts": follow, "namespaces": follow,
             "replicasets": follow, "pods": follow | {"patch"}},
            {resource: set(rule["verbs"]) for rule in get("ClusterRole")["rules"]
             for resource in rule["resources"]})
        self.assertIs(False, get("ServiceAccount")["automountServiceAccountToken"])
        self.assertIs(True, pod()["spec"]["automountServiceAccountToken"])
        self.assertEqual("sluice-webhook", pod()["spec"]["serviceAccountName"])
        self.assertEqual({}, CONFIG["policies"]["kube"])

    def test_the_reconciler_has_just_the_rights_that_are_asked_for(self):
        rules = {(group, resource): (set(rule["verbs"]), rule.get("resourceNames"))
                 for rule in get("ClusterRole", RECONCILER)["rules"]
                 for group in rule["apiGroups"] for resource in rule["resources"]}
        follow = {"list", "watch"}
        self.assertEqual({
            ("sluice.dev", "rollouts"): (follow | {"patch"}, None),
            ("sluice.dev", "rollouts/status"): ({"patch"}, None),
            ("sluice.dev", "trafficpolicies"): (follow, None),
            ("sluice.dev", "trafficpolicies/status"): ({"patch"}, None),
            ("policy", "poddisruptionbudgets"): (follow, None),
            ("apps", "deployments"): (follow | {"patch"}, None),
            ("apps", "statefulsets"): (follow | {"patch"}, None),
            ("apps", "daemonsets"): (follow | {"patch"}, None),
            ("apps", "replicasets"): (follow | {"create", "patch"}, None),
            ("apps", "deployments/finalizers"): ({"update"}, None),
            ("apps", "replicasets/finalizers"): ({"update"}, None),
            ("apps", "controllerrevisions"): (follow, None),
            ("", "pods"): (follow | {"patch", "delete"}, None),
            ("", "pods/status"): ({"patch"}, None),
            ("events.k8s.io", "events"): ({"create", "patch"}, None)}, rules)
        lease = RECONCILER_CONFIG["leaderElection"]
        self.assertEqual(NAMESPACE, lease["namespace"])
        create, use = get("Role", RECONCILER)["rules"]
        self.assertEqual((["create"], [lease["name"]]), (create["verbs"], use["resourceNames"]))
        self.assertEqual({"get", "patch"}, set(use["verbs"]))
        for rule in create, use:
            self.assertEqual((["coordination.k8s.io"], ["leases"]),
                             (rule["apiGroups"], rule["resources"]))

    def test_the_account_is_the_one_that_the_webhook_lets_pass(self):
        account = f"system:serviceaccount:{NAMESPACE}:{get('ServiceAccount', RECONCILER)['metadata']['name']}"
        self.assertEqual(account, CONFIG["admission"]["reconcilerAccount"])
        for kind in "Role", "ClusterRole":
            binding = get(f"{kind}Binding", RECONCILER)
            self.assertEqual((kind, RECONCILER), (binding["roleRef"]["kind"], binding["roleRef"]["name"]))
            self.assertEqual([{"kind": "ServiceAccount", "name": RECONCILER, "namespace": NAMESPACE}],
                             binding["subjects"])
        self.assertEqual(RECONCILER, pod(RECONCILER)["spec"]["serviceAccountName"])
        self.assertIs(True, pod(RECONCILER)["spec"]["automountServiceAccountToken"])

    def test_both_roles_know_the_same_workloads(self):
        self.assertEqual(CONFIG["admission"]["workloads"], RECONCILER_CONFIG["workloads"])


class Workload(unittest.TestCase):
    def test_selectors_select_their_own_roles_pods(self):
        for role in ROLES:
            spec = pod(role)["spec"]
            selectors = [
                get("Deployment", role)["spec"]["selector"]["matchLabels"],
                get("PodDisruptionBudget", role)["spec"]["selector"]["matchLabels"],
                get("NetworkPolicy", role)["spec"]["podSelector"]["matchLabels"],
                *(c["labelSelector"]["matchLabels"] for c in spec["topologySpreadConstraints"])]
            if role == "sluice-webhook":
                selectors.append(get("Service")["spec"]["selector"])
            for selector in selectors:
                for other in ROLES:
                    self.assertEqual(role == other,
                                     selector.items() <= pod(other)["metadata"]["labels"].items())

    def test_the_budget_leaves_room_for_a_drain(self):
        for role in ROLES:
            replicas = get("Deployment", role)["spec"]["replicas"]
            self.assertLess(get("PodDisruptionBudget", role)["spec"]["minAvailable"], replicas)

    def test_the_pods_meet_the_restricted_standard(self):
        for role in ROLES:
            for where in (pod(role)["spec"]["securityContext"], container(role)["securityContext"]):
                self.assertIs(True, where["runAsNonRoot"])
                self.assertEqual("RuntimeDefault", where["seccompProfile"]["type"])
            context = container(role)["securityContext"]
            self.assertIs(True, context["readOnlyRootFilesystem"])
            self.assertIs(False, context["allowPrivilegeEscalation"])
            self.assertEqual({"drop": ["ALL"]}, context["capabilities"])

    def test_health_is_asked_where_it_is_served(self):
        for role, config in ROLES.items():
            ports = {p["name"]: p["containerPort"] for p in container(role)["ports"]}
            self.assertEqual(config["listen"]["healthPort"], ports["health"])
            for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
                self.assertEqual({"path": path, "port": "health"}, container(role)[probe]["httpGet"])
            self.assertEqual(str(ports["health"]),
                             pod(role)["metadata"]["annotations"]["prometheus.io/port"])
            opened = [p["port"] for rule in get("NetworkPolicy", role)["spec"]["ingress"]
                      for p in rule["ports"]]
            self.assertEqual(sorted(ports.values()), sorted(opened))
            self.assertEqual({"Ingress", "Egress"},
                             set(get("NetworkPolicy", role)["spec"]["policyTypes"]))

    def test_connections_may_be_opened_to_the_api_server_alone(self):
        for role in ROLES:
            rule, = get("NetworkPolicy", role)["spec"]["egress"]
            self.assertEqual([443, 6443], [p["port"] for p in rule["ports"]])

    def test_the_reconcilers_configuration_is_mounted_and_it_elects(self):
        mount, = container(RECONCILER)["volumeMounts"]
        volume, = pod(RECONCILER)["spec"]["volumes"]
        generator = tree.load_one(tree.MANIFESTS / "kustomization.yaml")["configMapGenerator"][1]
        self.assertEqual(generator["name"], volume["configMap"]["name"])
        key, path = generator["files"][0].split("=")
        self.assertTrue((tree.MANIFESTS / path).is_file())
        self.assertEqual(["reconciler", "--config", f"{mount['mountPath']}/{key}", "--leader-elect"],
                         container(RECONCILER)["args"])
        election = {key: seconds(value) for key, value in RECONCILER_CONFIG["leaderElection"].items()
                    if key not in ("namespace", "name")}
        self.assertGreater(election["leaseDuration"], election["renewDeadline"])
        self.assertGreater(election["renewDeadline"], election["retryPeriod"])

    def test_ports_are_the_same_everywhere(self):
        listen = CONFIG["listen"]
        ports = {p["name"]: p["containerPort"] for p in container()["ports"]}
        self.assertEqual({"https": listen["port"], "health": listen["healthPort"]}, ports)
        port, = get("Service")["spec"]["ports"]
        self.assertEqual((443, "https"), (port["port"], port["targetPort"]))

    def test_the_configurations_paths_are_mounted(self):
        mounts = {m["name"]: m["mountPath"] for m in container()["volumeMounts"]}
        volumes = {v["name"]: v for v in pod()["spec"]["volumes"]}
        self.assertEqual(mounts.keys(), volumes.keys())
        self.assertEqual(CONFIG["tls"]["directory"], mounts["tls"])
        self.assertEqual(CONFIG["policies"]["paths"], [mounts["policies"]])
        generator = tree.load_one(tree.MANIFESTS / "kustomization.yaml")["configMapGenerator"][0]
        self.assertEqual(generator["name"], volumes["config"]["configMap"]["name"])
        key, path = generator["files"][0].split("=")
        self.assertTrue((tree.MANIFESTS / path).is_file())
        command, flag, value = container()["args"]
        self.assertEqual(("webhook", "--config", f"{mounts['config']}/{key}"),
                         (command, flag, value))
        self.assertEqual({"tls.crt", "tls.key"},
                         {item["key"] for item in volumes["tls"]["secret"]["items"]})

    def test_times_and_sizes_fit_into_one_another(self):
        limits, shutdown = CONFIG["limits"], CONFIG["shutdown"]
        self.assertLess(seconds(shutdown["delay"]) + seconds(shutdown["timeout"]),
                        pod()["spec"]["terminationGracePeriodSeconds"])
        self.assertGreater(seconds(limits["idleTimeout"]), 90)
        self.assertLess(limits["maxBodyBytes"], limits["maxInFlightBytes"])
        memory = int(container()["resources"]["limits"]["memory"].removesuffix("Mi")) << 20
        self.assertLess(limits["maxInFlightBytes"], memory)


class Webhooks(unittest.TestCase):
    def test_they_call_a_service_that_exists(self):
        service = get("Service")
        for webhook, path in webhooks():
            with self.subTest(webhook=webhook["name"]):
                self.assertEqual({"name": service["metadata"]["name"], "namespace": NAMESPACE,
                                  "path": path, "port": service["spec"]["ports"][0]["port"]},
                                 webhook["clientConfig"]["service"])

    def test_only_managed_namespaces_are_asked_about_and_never_our_own(self):
        for webhook, _ in webhooks():
            with self.subTest(webhook=webhook["name"]):
                self.assertEqual(
                    [{"key": "sluice.dev/managed", "operator": "In", "values": ["true"]},
                     {"key": "kubernetes.io/metadata.name", "operator": "NotIn",
                      "values": [NAMESPACE, "kube-system"]}],
                    webhook["namespaceSelector"]["matchExpressions"])
        self.assertEqual(NAMESPACE, CONFIG["admission"]["namespace"])

    def test_each_says_what_happens_without_it(self):
        text = (tree.MANIFESTS / "webhooks.yaml").read_text(encoding="utf-8")
        found = {}
        for webhook, _ in webhooks():
            name, policy = webhook["name"], webhook["failurePolicy"]
            found[name] = policy
            self.assertRegex(text, rf"- name: {re.escape(name)}\n  # {policy}: ", "no reason given")
            effects = "NoneOnDryRun" if name == "pod-evict.sluice.dev" else "None"
            self.assertEqual((effects, 5, ["v1"], "Equivalent"),
                             (webhook["sideEffects"], webhook["timeoutSeconds"],
                              webhook["admissionReviewVersions"], webhook["matchPolicy"]))
        self.assertEqual(FAILURE_POLICIES, found)

    def test_a_fail_policy_never_outwaits_the_server(self):
        for webhook, _ in webhooks():
            self.assertLess(webhook["timeoutSeconds"], seconds(CONFIG["limits"]["requestTimeout"]))


class MatchConditions(unittest.TestCase):
    def setUp(self):
        self.requests = tree.reviews()

    def update(self, name, change):
        """The recorded request as an UPDATE from its object to what `change` makes of it."""
        request = copy.deepcopy(self.requests[name])
        request["operation"] = "UPDATE"
        request["oldObject"] = copy.deepcopy(request["object"])
        change(request)
        return asked(request)

    def test_recorded_requests_go_where_they_belong(self):
        template_changes = {name for name, request in self.requests.items()
                            if request["operation"] == "UPDATE" and not request.get("subResource")
                            and request["resource"]["resource"] in
                            ("deployments", "statefulsets", "daemonsets")
                            and request["object"]["spec"]["template"] !=
                            request["oldObject"]["spec"]["template"]}
        self.assertTrue(template_changes)
        expected = {**ASKED, **dict.fromkeys(template_changes, "workload-update.sluice.dev")}
        for name, request in self.requests.items():
            with self.subTest(name=name):
                self.assertEqual([expected[name]] if name in expected else [], asked(request))

    def test_pod_updates_count_when_an_image_changes(self):
        def image(kind):
            return lambda r: r["object"]["spec"][kind][0].update(image="registry.local/podinfo:v2")

        def label(r):
            r["object"]["metadata"].setdefault("labels", {})["a"] = "b"

        def deleted(r):
            image("containers")(r)
            r["object"]["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"

        def mirror(r):
            image("containers")(r)
            r["object"]["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "1"}

        ratings = "create-pods-by-statefulset-controller-06.json"
        for name, change, expected in [
                (ratings, image("containers"), ["pod-update.sluice.dev"]),
                (ratings, image("initContainers"), ["pod-update.sluice.dev"]),
                ("create-pods-by-admin-03.json", image("containers"), ["pod-update.sluice.dev"]),
                ("create-pods-by-job-controller-05.json", image("containers"), []),
                (ratings, label, []), (ratings, deleted, []), (ratings, mirror, [])]:
            with self.subTest(name=name):
                self.assertEqual(expected, self.update(name, change))

    def test_workload_updates_count_when_the_template_changes_or_a_hold_is_there(self):
        def template(r):
            r["object"]["spec"]["template"]["metadata"]["annotations"] = {"restartedAt": "now"}

        def reconciler(r):
            template(r)
            r["userInfo"]["username"] = CONFIG["admission"]["reconcilerAccount"]

        def held(side):
            return lambda r: r[side]["metadata"].setdefault("annotations", {}).update(
                {"sluice.dev/held": "{}"})

        def bare(r):
            for side in ("object", "oldObject"):
                r[side]["metadata"].pop("annotations", None)

        def scale(r):
            r["object"]["spec"]["replicas"] = 7

        called = ["workload-update.sluice.dev"]
        for change, expected in [(template, called), (held("object"), called),
                                 (held("oldObject"), called), (reconciler, []), (scale, []),
                                 (bare, [])]:
            self.assertEqual(
                expected, self.update("create-deployments-by-admin-00.json", change))

    def test_policies_count_when_their_spec_changes(self):
        sample = tree.load_one(tree.SAMPLES / "policies" / "rollout-agent.yaml")
        request = {"operation": "CREATE", "object": sample, "oldObject": None,
                   "resource": {"group": "sluice.dev", "version": "v1alpha1",
                                "resource": "rollouts"}}
        self.assertEqual(["policy.sluice.dev"], asked(request))
        request.update(operation="UPDATE", oldObject=copy.deepcopy(sample))
        self.assertEqual([], asked(request))
        request["oldObject"]["spec"]["paused"] = True
        self.assertEqual(["policy.sluice.dev"], asked(request))


class Certificates(unittest.TestCase):
    def test_the_certificate_is_for_the_service_and_in_the_secret_that_is_mounted(self):
        spec = CERTS["Certificate", "sluice-webhook"]["spec"]
        self.assertEqual([f"{get('Service')['metadata']['name']}.{NAMESPACE}.svc"],
                         spec["dnsNames"])
        tls, = (v for v in pod()["spec"]["volumes"] if v["name"] == "tls")
        self.assertEqual(tls["secret"]["secretName"], spec["secretName"])
        self.assertLess(seconds(spec["renewBefore"]), seconds(spec["duration"]))
        self.assertEqual({"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
                         spec["privateKey"])

    def test_issuers_form_a_chain_to_the_self_signed_root(self):
        leaf = CERTS["Certificate", "sluice-webhook"]["spec"]
        issuer = CERTS["Issuer", leaf["issuerRef"]["name"]]["spec"]
        ca = CERTS["Certificate", "sluice-ca"]["spec"]
        self.assertEqual(issuer["ca"]["secretName"], ca["secretName"])
        self.assertIs(True, ca["isCA"])
        self.assertEqual({"selfSigned": {}}, CERTS["Issuer", ca["issuerRef"]["name"]]["spec"])

    def test_documented_commands_name_the_same_things(self):
        text = (tree.MANIFESTS / "webhooks.yaml").read_text(encoding="utf-8")
        self.assertIn(f"sluice certs issue --dns sluice-webhook.{NAMESPACE}.svc", text)
        self.assertIn("create secret tls sluice-webhook-tls", text)


@unittest.skipUnless(shutil.which("kubectl"), "no kubectl (Debian: kubernetes-client)")
class Kustomize(unittest.TestCase):
    def build(self, directory: pathlib.Path):
        run = subprocess.run(["kubectl", "kustomize", str(directory)], text=True, timeout=60,
                             capture_output=True, check=False)
        self.assertEqual(0, run.returncode, run.stderr)
        return {(o["kind"], o["metadata"]["name"]): o for o in tree.parse(run.stdout)}

    def test_the_base_builds_with_configuration_and_image(self):
        built = self.build(tree.MANIFESTS)
        self.assertLess(BASE.keys(), built.keys())
        generated = {name.rpartition("-")[0]: (kind, name) for kind, name in built.keys() - BASE.keys()}
        self.assertEqual({f"{role}-config" for role in ROLES}, generated.keys())
        for role, expected in ROLES.items():
            kind, name = generated[f"{role}-config"]
            config, = tree.parse(built[kind, name]["data"][f"{role.removeprefix('sluice-')}.yaml"])
            self.assertEqual("ConfigMap", kind)
            self.assertEqual(expected, config)
            self.assertEqual(NAMESPACE, built[kind, name]["metadata"]["namespace"])
            spec = built["Deployment", role]["spec"]["template"]["spec"]
            self.assertEqual("registry.local/sluice:0.1.0", spec["containers"][0]["image"])
            self.assertIn(name, [v.get("configMap", {}).get("name") for v in spec["volumes"]])

    def test_the_certificates_build_and_add_nothing_but_the_annotation(self):
        base, built = self.build(tree.MANIFESTS), self.build(tree.CERTS)
        self.assertEqual(base.keys() | CERTS.keys(), built.keys())
        for kind, name, _ in CONFIGURATIONS:
            annotations = built[kind, name]["metadata"].pop("annotations")
            self.assertEqual(
                {"cert-manager.io/inject-ca-from": f"{NAMESPACE}/sluice-webhook"}, annotations)
        for key, value in base.items():
            self.assertEqual(value, built[key])


if __name__ == "__main__":
    unittest.main(verbosity=2)
