"""The command line: exit status, input in every shape, what is said when it is wrong, and that help, manual
and completion name the same options."""

import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import tempfile
import unittest

import tree
from command import ADMISSION, DEMO, POLICIES, SLUICE, review, run

ROLLOUT = [f"rollout {word}" for word in ("get", "list", "confirm", "pause", "resume", "promote", "abort",
                                          "retry", "undo", "history", "plan", "wait", "traffic")]
COMMANDS = ["review", "webhook", "reconciler", "certs issue", "certs check", *ROLLOUT, "uninstall", "version", "help"]
CLI = tree.ROOT / "src" / "cli"

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: {app: productpage}
spec:
  containers:
  - {name: web, image: "web:1"}
"""

KUBECONFIG = """\
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: me, user: {token: t}}]
"""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: productpage, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: productpage}}
  template:
    metadata: {labels: {app: productpage}}
    spec: {containers: [{name: web, image: "web:1"}]}
"""

BAD_ROLLOUT = """\
apiVersion: sluice.dev/v1alpha1
kind: Rollout
metadata: {name: bad, namespace: shop}
spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}, rolloutPlan: {}}
"""


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def file(self, name, text):
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return path

    def check(self, process, status, stdout=None, stderr=None):
        self.assertEqual(process.returncode, status, process.stdout + process.stderr)
        if stdout is not None:
            self.assertRegex(process.stdout, stdout)
        if stderr is not None:
            self.assertRegex(process.stderr, stderr)


class Status(Case):
    def test_zero_when_all_is_allowed(self):
        self.check(review("-f", "-", stdin=POD), 0, stderr=r"\A\Z")

    def test_one_when_something_is_denied_and_the_rest_is_answered(self):
        process = review("-o", "patch", stdin=BAD_ROLLOUT + "---\n" + POD)
        self.check(process, 1, r"\A\[\]\n\[\{", r"\Adenied: Rollout shop/bad is invalid: ")

    def test_two_for_bad_usage_with_a_hint(self):
        for words, sentence in [
                (["review", "--nope"], "there is no option --nope"),
                (["review", "-o", "yaml"], "--output must be one of text, patch, object, review"),
                (["review", "--operation", "CONNECT"], "--operation must be one of"),
                (["review", "--operation", "UPDATE"], "--operation UPDATE needs --old"),
                (["review", "--operation", "DELETE", "--old", "x"], "--old is for"),
                (["review", "file.yaml"], "there is one word too many: 'file.yaml'"),
                (["webhook"], "--config is missing"),
                (["certs", "issue", "--out", "x"], "--dns is missing"),
                (["certs", "issue", "--dns", "x"], "--out is missing"),
                (["certs", "issue", "--dns", "x", "--out", "x", "--days", "0"], "--days must be"),
                (["certs", "check"], "DIR is missing"),
                (["rollout", "get"], "NAME is missing"),
                (["rollout", "get", "x", "-w", "-o", "json"], "--watch shows text or wide, not json"),
                (["rollout", "wait", "x", "--timeout", "5"], "--timeout must be a duration"),
                (["rollout", "wait", "x", "--for", "Done"], "--for must be one of"),
                (["help", "nope"], "there is no command 'nope'")]:
            with self.subTest(words):
                process = run(*words)
                self.check(process, 2, r"\A\Z", re.escape(sentence))
                self.assertRegex(process.stderr, r"\nTry 'sluice [a-z ]+ --help'\.\n\Z")

    def test_two_for_no_command_and_for_an_unknown_one(self):
        for words, sentence in [([], "a command is missing"), (["nope"], "no command 'nope'"),
                                (["nope", "x"], "no command 'nope'")]:
            with self.subTest(words):
                self.check(run(*words), 2, r"\A\Z", sentence + r"\nTry 'sluice --help'\.\n\Z")
        for words, sentence in [(["certs"], "^sluice certs: a command is missing"),
                                (["certs", "x"], "no command 'certs x'")]:
            with self.subTest(words):
                self.check(run(*words), 2, r"\A\Z", sentence + r"\nTry 'sluice certs --help'\.\n\Z")

    def test_two_when_output_cannot_be_written(self):
        for words in [["review"], ["version"], ["--help"], ["help", "review"]]:
            with self.subTest(words), open("/dev/full", "w", encoding="utf-8") as full:
                process = subprocess.run([SLUICE, *words], input=POD, text=True, stdout=full,
                                         stderr=subprocess.PIPE, check=False)
                self.assertEqual(process.returncode, 2)
                self.assertEqual(process.stderr.count("cannot write to standard output: No space left"), 1)

    def test_standard_streams_may_be_closed(self):
        config = self.file("webhook.yaml", "")
        for redirection, words, status, sentence in [
                (">&-", ["version"], 2, "cannot write to standard output"),
                (">&-", ["webhook", "--check-config", "--config", config], 0, ""),
                ("<&-", ["version"], 0, ""), ("<&-", ["review"], 2, "cannot read standard input"),
                ("<&- >&- 2>&-", ["version"], 2, "")]:
            with self.subTest((redirection, words)):
                process = subprocess.run(["sh", "-c", f'exec "$@" {redirection}', "sh", SLUICE, *map(str, words)],
                                         text=True, capture_output=True, check=False)
                self.assertEqual(process.returncode, status, process.stderr)
                self.assertEqual(process.stderr.count(sentence or "cannot write"), 1 if sentence else 0)

    def test_two_when_the_reader_has_gone(self):
        reader, writer = os.pipe()
        os.close(reader)
        process = subprocess.run([SLUICE, "version"], stdout=writer, stderr=subprocess.PIPE,
                                 text=True, check=False)
        os.close(writer)
        self.assertEqual(process.returncode, 2)
        self.assertIn("Broken pipe", process.stderr)


class Input(Case):
    def test_several_documents_and_lists_are_flat(self):
        listed = json.dumps({"apiVersion": "v1", "kind": "List",
                             "items": [tree.parse(POD)[0], tree.parse(DEPLOYMENT)[0]]})
        process = review("-f", "-", "-f", self.file("list.json", listed), stdin=POD + "---\n" + POD)
        self.check(process, 0)
        self.assertEqual(re.findall(r"^CREATE.*", process.stdout, re.M),
                         ["CREATE pods shop/web by sluice-review: patched"] * 3
                         + ["CREATE deployments shop/productpage by sluice-review: allowed"])

    def test_a_stream_of_json_texts_may_mix_reviews_and_manifests(self):
        text = (ADMISSION / "delete-pods-by-admin-20.json").read_text(encoding="utf-8")
        process = review("-o", "patch", stdin=text + json.dumps(tree.parse(POD)[0]))
        self.check(process, 0, r"\A\[\]\n\[\{.*\}\]\n\Z")

    def test_no_documents_give_no_output(self):
        for text in "", "---\n---\n", "# nothing\n":
            self.check(review(stdin=text), 0, r"\A\Z", r"\A\Z")

    def test_a_manifest_without_namespace_is_in_default(self):
        text = POD.replace("  namespace: shop\n", "")
        process = review("-o", "object", stdin=text)
        self.check(process, 0)
        self.assertEqual(tree.parse(process.stdout)[0]["metadata"]["namespace"], "default")
        self.check(review(stdin=text), 0, "^CREATE pods default/web by")

    def test_what_is_in_no_namespace_stays_out_of_one(self):
        process = review("-o", "object", stdin="apiVersion: v1\nkind: Node\nmetadata: {name: x}\n")
        self.check(process, 0)
        self.assertEqual(tree.parse(process.stdout)[0]["metadata"], {"name": "x"})

    def test_the_resource_is_the_plural_of_the_kind(self):
        for api_version, kind, resource in [
                ("v1", "Endpoints", "endpoints"), ("v1", "Service", "services"),
                ("networking.k8s.io/v1", "Ingress", "ingresses"), ("v1", "Namespace", "namespaces"),
                ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")]:
            manifest = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}}
            self.check(review(stdin=json.dumps(manifest)), 0, f"^CREATE {resource} ")

    def test_an_eviction_is_of_a_pod(self):
        manifest = {"apiVersion": "policy/v1", "kind": "Eviction",
                    "metadata": {"name": "web-0", "namespace": "shop"}}
        process = review(stdin=json.dumps(manifest))
        self.assertEqual([
            "CREATE pods/eviction shop/web-0 by sluice-review: allowed",
            "warning: the pod is evicted even if it is in traffic: without policies.kube no pods are known",
            "unchanged: no pods are known here: that takes policies.kube"], process.stdout.splitlines())
        manifest["deleteOptions"] = {"dryRun": ["All"]}
        process = review(stdin=json.dumps(manifest))
        self.assertEqual("unchanged: it is a dry run: no drain is begun", process.stdout.splitlines()[1])

    def test_a_workload_of_the_configuration_has_its_resource(self):
        config = self.file("config.yaml", """\
admission:
  workloads:
  - {apiVersion: x.dev/v1, kind: Sheep, resource: sheep, partitionPath: spec.partition, holdValue: 9}
""")
        manifest = "apiVersion: x.dev/v1\nkind: Sheep\nmetadata: {name: x}\n"
        self.check(review("--config", config, stdin=manifest), 0, "^CREATE sheep default/x")
        self.check(review(stdin=manifest), 0, "^CREATE sheeps default/x")

    def test_old_makes_an_update(self):
        old = self.file("old.yaml", POD + "---\n" + DEPLOYMENT)
        process = review("--old", old, "--user", "jane", "--check-idempotent",
                         stdin=DEPLOYMENT.replace("web:1", "web:2"))
        self.check(process, 0, r"\AUPDATE deployments shop/productpage by jane: patched\n"
                               r"(.*\n)*\+  paused: true\n(.*\n)*because: its pod template changes")

    def test_an_old_object_must_be_there(self):
        old = self.file("old.yaml", POD)
        self.check(review("--old", old, stdin=DEPLOYMENT), 2, r"\A\Z",
                   "^sluice review: standard input:1:1: --old has no Deployment shop/productpage")

    def test_a_delete_has_only_an_old_object(self):
        process = review("--operation", "DELETE", "-o", "object", stdin=POD)
        self.check(process, 0, r"\A\Z")
        self.check(review("--operation", "DELETE", stdin=POD), 0,
                   r"\ADELETE pods shop/web by sluice-review: allowed\nunchanged: a DELETE")

    def test_options_of_manifests_are_refused_with_a_review(self):
        file = ADMISSION / "create-pods-by-admin-03.json"
        for words in ["--user", "x"], ["--operation", "CREATE"], ["--old", file]:
            self.check(review("-f", file, *words), 2, r"\A\Z",
                       f"^sluice review: {file}:1:1: --operation, --old and --user are for")

    def test_the_opt_in_is_checked_when_labels_are_given(self):
        for labels, outcome in [("sluice.dev/managed=true", "patched"),
                                ("a=b,sluice.dev/managed=true", "patched"),
                                ("sluice.dev/managed=false", "allowed"), ("", "allowed")]:
            with self.subTest(labels):
                self.check(review("--namespace-labels", labels, stdin=POD), 0,
                           f"^CREATE pods shop/web by sluice-review: {outcome}\n")

    def test_labels_must_be_labels(self):
        for labels, sentence in [("a", "'a' must be followed by =VALUE"), ("-=b", "'-' "),
                                 ("a=b c", "'b c' "), ("a=b,,c=d", "'' ")]:
            with self.subTest(labels):
                self.check(review("--namespace-labels", labels, stdin=POD), 2, r"\A\Z",
                           "--namespace-labels: " + sentence)

    def test_bad_input_says_where(self):
        for name, text, sentence in [
                ("tabs.yaml", "a:\n\tb: 1\n", r"tabs.yaml:2:\d+: "),
                ("twice.yaml", "kind: A\nkind: B\n", r"twice.yaml:2:1: the key \"kind\""),
                ("comma.json", '{"a": 1,\n}', r"comma.json:2:1: "),
                ("second.json", '{"apiVersion": "v1", "kind": "List", "items": []}\n{"a": tru}',
                 r"second.json:2:\d+: "),
                ("scalar.yaml", POD + "---\njust words\n", r"scalar.yaml:\d+:1: a document must be"),
                ("kind.yaml", "apiVersion: v1\n", r"kind.yaml:1:1: a document must be"),
                ("name.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {}\n",
                 r"name.yaml:1:1: metadata.name is missing"),
                ("items.yaml", "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n",
                 r"items.yaml:4:3: a document must be"),
                ("review.json", '{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}',
                 r"review.json:1:1: cannot read the AdmissionReview: it has no request")]:
            with self.subTest(name):
                path = self.file(name, text)
                self.check(review("-f", path), 2, r"\A\Z",
                           f"^sluice review: {self.directory}/{sentence}")

    def test_nothing_is_printed_before_all_input_is_checked(self):
        process = review(stdin=POD + "---\na: [\n")
        self.check(process, 2, r"\A\Z", "^sluice review: standard input:")

    def test_files_that_cannot_be_read_are_named(self):
        for words in ["-f", "/nowhere"], ["-p", "/nowhere"], ["--config", "/nowhere"]:
            self.check(review(*words, stdin=POD), 2, r"\A\Z", "^sluice review: .*/nowhere: No such")

    def test_a_bad_policy_says_where(self):
        policy = self.file("policy.yaml", BAD_ROLLOUT)
        self.check(review("-p", policy, stdin=POD, policies=None), 2, r"\A\Z",
                   r"^sluice review: .*policy.yaml:4:\d+: spec.rolloutPlan")


class Output(Case):
    def test_text_says_who_what_and_why(self):
        process = review("-f", DEMO / "update-pods-image-in-service-forced.json")
        self.check(process, 0)
        self.assertEqual(process.stdout, """\
UPDATE pods shop/ratings-0 by admin: patched
@@ metadata.labels @@
     controller-revision-hash: ratings-5486cbd678
     statefulset.kubernetes.io/pod-name: ratings-0
     sluice.dev/traffic-policy: ratings
+    sluice.dev/upgrading: "true"
   ownerReferences:
   - apiVersion: apps/v1
     kind: StatefulSet
warning: the pod is in service and its image changes: the connections it serves are cut \
(sluice.dev/force is set)
because: an image changes
""")

    def test_objects_are_documents_of_one_stream(self):
        process = review("-o", "object", stdin=POD + "---\n" + BAD_ROLLOUT + "---\n" + DEPLOYMENT)
        self.check(process, 1, stderr=r"\Adenied: Rollout shop/bad")
        self.assertEqual([item["kind"] for item in tree.parse(process.stdout)],
                         ["Pod", "Deployment"])

    def test_control_characters_of_a_request_do_not_reach_the_terminal(self):
        text = (ADMISSION / "create-pods-by-admin-03.json").read_text(encoding="utf-8")
        process = review(stdin=text.replace('"username":"admin"', '"username":"a\\u001b[2J\\nb"'))
        self.check(process, 0, r"^CREATE pods shop/solo by a\?\[2J\?b: allowed\n")

    def colours(self, **environment):
        """What `review` writes to a terminal."""
        try:
            ours, theirs = pty.openpty()
        except OSError as error:  # a chroot without /dev/pts
            self.skipTest(f"no terminal can be had here: {error}")
        variables = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        process = subprocess.run([SLUICE, "review", "-p", str(POLICIES)], input=POD.encode(),
                                 stdout=theirs, env={**variables, "TERM": "xterm", **environment},
                                 check=True)
        os.close(theirs)
        text = os.read(ours, 65536)
        os.close(ours)
        self.assertEqual(process.returncode, 0)
        return b"\033[32m+" in text

    def test_colours_are_for_terminals_that_want_them(self):
        self.assertTrue(self.colours())
        self.assertTrue(self.colours(NO_COLOR=""))
        self.assertFalse(self.colours(NO_COLOR="1"))
        self.assertFalse(self.colours(TERM="dumb"))
        self.assertNotIn("\033", review(stdin=POD).stdout)


class Certs(Case):
    def test_what_is_issued_is_in_order(self):
        out = self.directory / "tls"
        self.check(run("certs", "issue", "--dns", "a.example", "--dns", "127.0.0.1", "--out", out,
                       "--days", "2"), 0, r"base64 -w0 < .*/ca\.crt")
        self.check(run("certs", "check", out, "--dns", "a.example", "--dns", "127.0.0.1"), 0,
                   r"(?s)subject: .*names: .*a\.example.*valid from:  20.*valid until: 20")
        self.assertEqual((out / "tls.key").stat().st_mode & 0o777, 0o600)

    def test_what_is_not_in_order_is_said(self):
        out = self.directory / "tls"
        run("certs", "issue", "--dns", "a.example", "--out", out)
        self.check(run("certs", "check", out, "--dns", "b.example"), 1, r"\A\Z", "b.example")
        (out / "tls.crt").write_text("no certificate", encoding="utf-8")
        self.check(run("certs", "check", out), 1, r"\A\Z", r"^sluice certs check: .*tls\.crt")
        self.check(run("certs", "check", self.directory / "none"), 1, r"\A\Z", "No such file")

    def test_a_bad_name_is_refused(self):
        self.check(run("certs", "issue", "--dns", "a b", "--out", self.directory), 2, r"\A\Z", "a b")


class Webhook(Case):
    def check_config(self, text, status, stderr):
        path = self.file("webhook.yaml", text)
        self.check(run("webhook", "--check-config", "--config", path), status, r"\A\Z", stderr)

    def test_check_config(self):
        tls = self.directory / "tls"
        policies = self.directory / "policies"
        policies.mkdir()
        text = f"tls: {{directory: {tls}}}\npolicies: {{paths: [{policies}]}}\n"
        self.check_config("listen:\n  prot: 1\n", 2,
                          r"^sluice webhook: .*/webhook.yaml:2:3: listen\.prot")
        self.check_config(text, 0, f"^sluice webhook: not checked here: .*{tls}")
        run("certs", "issue", "--dns", "a.example", "--out", tls)
        self.check_config(text, 0, r"\A\Z")
        (tls / "tls.key").chmod(0o644)
        self.check_config(text, 0, r"^sluice webhook: warning: .*/tls\.key can be read by every user")
        (tls / "tls.key").write_text("no key", encoding="utf-8")
        self.check_config(text, 2, r"^sluice webhook: .*tls\.key")
        (policies / "bad.yaml").write_text(BAD_ROLLOUT, encoding="utf-8")
        self.check_config(text, 2, r"^sluice webhook: .*bad.yaml:4:\d+: ")

    def test_check_config_says_what_it_does_not_ask(self):
        tls, kubeconfig = self.directory / "tls", self.directory / "kubeconfig"
        run("certs", "issue", "--dns", "a.example", "--out", tls)
        text = f"tls: {{directory: {tls}}}\npolicies: {{kube: {{kubeconfig: {kubeconfig}}}}}\n"
        self.check_config(text, 0, r"^sluice webhook: not checked here: policies\.kube: .*/kubeconfig")
        context = {"name": "prod", "context": {"cluster": "c", "user": "u"}}
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "prod", "contexts": [context],
                  "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
                  "users": [{"name": "u", "user": {}}]}
        kubeconfig.write_text(json.dumps(config), encoding="utf-8")
        self.check_config(text, 0, r"\Asluice webhook: not checked here: the policies of "
                                   r"https://127\.0\.0\.1:1 \(context prod\), which are watched when it runs\n\Z")
        kubeconfig.write_text("clusters: {", encoding="utf-8")
        self.check_config(text, 2, r"^sluice webhook: policies\.kube: .*/kubeconfig:2:1: ")

    def test_print_config_is_a_configuration(self):
        process = run("webhook", "--print-config")
        self.check(process, 0, "maxBodyBytes")
        self.check_config(process.stdout, 0, "(?s)not checked here: .*not checked here: ")
        self.check(run("webhook", "--check-config", "--config",
                       tree.MANIFESTS / "config" / "webhook.yaml"), 0)


class Reconciler(Case):
    def check_config(self, text, status, stderr):
        path = self.file("reconciler.yaml", text)
        for options in ["--check-config"], ["--check-config", "--leader-elect", "-n", "shop"]:
            self.check(run("reconciler", *options, "--config", path), status, r"\A\Z", stderr)

    def test_check_config(self):
        self.check_config("kube: {qps: 5}\n", 0, r"\A\Z")
        self.check_config("kube:\n  qsp: 5\n", 2,
                          r"^sluice reconciler: .*/reconciler.yaml:2:3: kube\.qsp: unknown key")
        self.check_config("leaderElection: {leaseDuration: 5s}\n", 2,
                          r"leaseDuration: must be more than leaderElection\.renewDeadline")

    def test_print_config_is_a_configuration(self):
        process = run("reconciler", "--print-config")
        self.check(process, 0, "leaseDuration")
        self.check_config(process.stdout, 0, r"\A\Z")
        self.check(run("reconciler", "--check-config", "--config",
                       tree.MANIFESTS / "config" / "reconciler.yaml"), 0)

    def test_a_configuration_that_is_wrong_is_not_run(self):
        path = self.file("reconciler.yaml", "kube: {qsp: 5}\n")
        self.check(run("reconciler", "--config", path), 2, r"\A\Z", r"kube\.qsp: unknown key")
        self.check(run("reconciler", "--config", self.directory / "none"), 2, r"\A\Z", "No such file")
        self.check(run("reconciler"), 2, r"\A\Z", "--config is missing")
        self.check(run("reconciler", "--config", path, "-n", "No"), 2, r"\A\Z", "--namespace must")

    def test_without_a_cluster_to_go_to_it_says_where_it_looked(self):
        path = self.file("reconciler.yaml", "")
        self.check(run("reconciler", "--config", path, "--kubeconfig", self.directory / "none"), 1,
                   r"\A\Z", '"cannot start","err":.*none')

    def test_without_libcurl_it_names_the_package(self):
        path = self.file("reconciler.yaml", "")
        kubeconfig = self.file("kubeconfig", KUBECONFIG)
        self.file("libcurl.so.4", "")
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self.directory)}
        self.check(run("reconciler", "--config", path, "--kubeconfig", kubeconfig, env=environment), 1, r"\A\Z",
                   '"cannot start","err":"requests to the API server need libcurl, the package libcurl4 of Debian: ')
        self.check(run("version", env=environment), 0)


def options_of(command):
    """Long options and letters, as --help names them."""
    text = run(*command.split(), "--help").stdout
    longs = re.findall(r"^  (?:-\w, |    )--([a-z-]+)", text, re.M)
    letters = re.findall(r"^  -(\w), --", text, re.M)
    return sorted(longs), sorted(letters)


class Help(Case):
    def test_every_command_explains_itself_in_three_ways(self):
        for command in COMMANDS:
            with self.subTest(command):
                process = run(*command.split(), "--help")
                self.check(process, 0, f"^Usage: sluice {command} ", r"\A\Z")
                self.assertEqual(process.stdout, run(*command.split(), "-h").stdout)
                self.assertEqual(process.stdout, run("help", *command.split()).stdout)
                self.assertLess(max(map(len, process.stdout.splitlines())), 81)

    def test_the_overview_names_every_command(self):
        for words in ["--help"], ["-h"], ["help"]:
            process = run(*words)
            self.check(process, 0, stderr=r"\A\Z")
            self.assertEqual(re.findall(r"^  ((?:certs |rollout )?\w+) ", process.stdout, re.M), COMMANDS)
        self.check(run("certs", "--help"), 0, "(?s)certs issue.*certs check")
        process = run("rollout", "--help")
        self.assertEqual(re.findall(r"^  (rollout \w+) ", process.stdout, re.M), ROLLOUT)

    def test_every_command_that_needs_a_cluster_has_an_example(self):
        for command in ROLLOUT:
            self.check(run(*command.split(), "--help"), 0, rf"\nExample: sluice {command}\b")

    def test_traffic_needs_no_word_before_it(self):
        self.assertEqual(run("traffic", "--help").stdout, run("rollout", "traffic", "--help").stdout)

    def test_version(self):
        version = re.search(r"project\(sluice VERSION (\S+)",
                            (tree.ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))[1]
        for word in "version", "--version":
            self.check(run(word), 0, rf"\Asluice {re.escape(version)}\n\Z")

    def test_the_manual_names_the_same_options(self):
        text = (CLI / "sluice.1").read_text(encoding="utf-8")
        sections = dict(re.findall(r"^\.Ss (.+)\n((?:(?!\.S[sh] ).*\n)*)", text, re.M))
        for command in COMMANDS:
            with self.subTest(command):
                text = sections[command]
                if command in ROLLOUT and command != "rollout plan":
                    text += sections["rollout"]
                items = re.findall(r"^\.It (Fl .*)", text, re.M)
                longs = re.findall(r"Fl -([a-z-]+)", "\n".join(items))
                letters = re.findall(r"Fl (\w) ", "\n".join(items))
                self.assertEqual((sorted([*longs, "help"]), sorted([*letters, "h"])),
                                 options_of(command))

    def test_the_manual_is_clean(self):
        process = subprocess.run(["mandoc", "-Tlint", "-Wwarning", CLI / "sluice.1"], text=True,
                                 capture_output=True, check=False)
        self.assertEqual((process.returncode, process.stdout), (0, ""))


class Completion(Case):
    def complete(self, *words, program="sluice"):
        """What bash offers for the last of the words."""
        script = (f'source "{CLI}/sluice.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        process = subprocess.run(["bash", "-c", script, "bash", program, *map(str, words)],
                                 text=True, capture_output=True, check=True)
        return sorted(process.stdout.split())

    def test_offers_the_commands(self):
        self.assertEqual(self.complete(""), sorted({command.split()[0] for command in COMMANDS}
                                                   | {"traffic", "-h", "--help", "--version"}))
        self.assertEqual(self.complete("certs", ""), ["check", "issue"])
        self.assertEqual(self.complete("rollout", ""), sorted(word.split()[1] for word in ROLLOUT))
        self.assertEqual(self.complete("help", "rollout", "p"), ["pause", "plan", "promote"])
        self.assertEqual(self.complete("help", "certs", ""), ["check", "issue"])
        self.assertEqual(self.complete("we"), ["webhook"])

    def test_offers_every_option_of_a_command(self):
        for command in COMMANDS:
            with self.subTest(command):
                longs, letters = options_of(command)
                self.assertEqual(self.complete(*command.split(), "-"),
                                 sorted([f"--{name}" for name in longs]
                                        + [f"-{letter}" for letter in letters]))

    def test_offers_the_words_that_an_option_takes(self):
        for option in "--output", "--operation":
            refusal = run("review", option, "?").stderr
            words = sorted(re.search(r"must be one of (.*), not", refusal)[1].split(", "))
            self.assertEqual(self.complete("review", option, ""), words)
            self.assertEqual(self.complete("review", option, "="), words)
        for command in "rollout get", "rollout list", "rollout plan", "rollout traffic", "traffic":
            refusal = run(*command.split(), "-o", "?").stderr
            words = sorted(re.search(r"must be one of (.*), not", refusal)[1].split(", "))
            self.assertEqual(self.complete(*command.split(), "-o", ""), words)
        refusal = run("rollout", "wait", "--for", "?").stderr
        words = sorted(re.search(r"must be one of (.*), not", refusal)[1].split(", "))
        self.assertEqual(self.complete("rollout", "wait", "--for", ""), words)
        self.assertEqual(self.complete("review", "-o", "pa"), ["patch"])
        self.assertEqual(self.complete("review", "--output", "=", "pa"), ["patch"])

    def test_offers_files_and_directories(self):
        self.file("a.yaml", "")
        (self.directory / "b").mkdir()
        both = sorted(str(self.directory / name) for name in ("a.yaml", "b"))
        self.assertEqual(self.complete("review", "-f", f"{self.directory}/"), both)
        self.assertEqual(self.complete("certs", "issue", "--out", f"{self.directory}/"), both[1:])
        self.assertEqual(self.complete("certs", "check", f"{self.directory}/"), both[1:])

    def test_as_a_plugin_rollout_is_not_said(self):
        offered = self.complete("", program="kubectl-sluice")
        self.assertLessEqual({word.split()[1] for word in ROLLOUT}, set(offered))
        self.assertNotIn("rollout", offered)
        self.assertEqual(self.complete("wait", "--t", program="kubectl-sluice"), ["--timeout"])

    def test_kubectl_is_told_one_candidate_a_line(self):
        environment = {**os.environ, "SLUICE_COMPLETION": str(CLI / "sluice.bash")}
        for words, candidates in [(["conf"], ["confirm"]), (["plan", "--re"], ["--replicas"]),
                                  (["wait", "--for", "De"], ["Degraded"])]:
            process = subprocess.run([CLI / "kubectl_complete-sluice", *words], text=True, check=True,
                                     capture_output=True, env=environment)
            self.assertEqual(process.stdout.splitlines(), [*candidates, ":4"])

    def test_names_that_cannot_be_had_are_none_and_nothing_is_said(self):
        script = (f'source "{CLI}/sluice.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice; '
                  'echo "${#COMPREPLY[@]}"')
        process = subprocess.run(["bash", "-c", script, "bash", SLUICE, "rollout", "get",
                                  "--kubeconfig", "/nowhere", ""],
                                 text=True, capture_output=True, check=True)
        self.assertEqual((process.stdout, process.stderr), ("0\n", ""))


ROLLOUTS = """\
apiVersion: sluice.dev/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop}
spec:
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  rolloutPlan:
    rolloutBatches: [{replicas: 1}, {replicas: 50%, pause: {duration: 5m}}, {replicas: 50%}]
    needWaitingForConfirm: true
---
apiVersion: sluice.dev/v1alpha1
kind: Rollout
metadata: {name: db}
spec:
  workloadRef: {apiVersion: apps.kruise.io/v1alpha1, kind: CloneSet, name: db}
  rolloutPlan: {batchSize: 4, upgradeType: Beta, batchPartition: 1}
"""


class Plan(Case):
    def plan(self, *words, stdin=ROLLOUTS):
        return run("rollout", "plan", *words, stdin=stdin)

    def test_json_has_sizes_and_targets(self):
        self.check(self.plan("web", "--replicas", "5", "-o", "json"), 0, stderr=r"\A\Z")
        self.assertEqual(self.plan("web", "--replicas", "5", "-o", "json").stdout,
                         '{"batches":[{"size":1,"target":1},{"size":3,"target":4},{"size":1,"target":5}]}\n')
        self.assertEqual(self.plan("web", "--replicas", "0", "-o", "json").stdout, '{"batches":[]}\n')
        self.assertEqual([batch["size"] for batch in json.loads(
            self.plan("db", "--replicas", "10", "-o", "json").stdout)["batches"]], [1, 4, 4, 1])

    def test_the_table_says_what_follows_each_batch(self):
        self.assertEqual(self.plan("web", "--replicas", "5").stdout, """\
BATCH   SIZE   TARGET   THEN
1       1      1        wait for confirmation
2       3      4        pause of 5m, wait for confirmation
3       1      5        done
""")
        self.assertEqual(self.plan("db", "--replicas", "10").stdout, """\
BATCH   SIZE   TARGET   THEN
1       1      1        next
2       4      5        stop: batchPartition
3       4      9        does not run
4       1      10       does not run
""")

    def test_a_bad_plan_says_which_rule_it_breaks_and_where(self):
        self.check(self.plan("web", "--replicas", "1"), 2, r"\A\Z",
                   r"^sluice rollout plan: standard input:6:3: rolloutBatches\[1\]: the batches before it")
        self.check(self.plan("--replicas", "4", "-f", self.file("bad.yaml", BAD_ROLLOUT)), 2, r"\A\Z",
                   r"^sluice rollout plan: .*/bad.yaml:4:\d+: spec.rolloutPlan: must have either")
        self.check(self.plan("--replicas", "4", "-f", "/nowhere"), 2, r"\A\Z", "/nowhere: No such file")

    def test_which_rollout_must_be_clear(self):
        for words, sentence in [([], "there are 2 Rollouts; say the NAME of one"),
                                (["nope"], "there is no Rollout nope")]:
            self.check(self.plan("--replicas", "5", *words), 2, r"\A\Z", sentence)
        self.check(self.plan("--replicas", "5", stdin=POD), 2, r"\A\Z", "there is no Rollout of")
        self.check(self.plan("web"), 2, r"\A\Z", "--replicas is missing")


class Plugin(Case):
    def setUp(self):
        super().setUp()
        self.plugin = self.directory / "kubectl-sluice"
        self.plugin.symlink_to(SLUICE)

    def run_plugin(self, *words):
        return subprocess.run([self.plugin, *words], text=True, capture_output=True, check=False, input="")

    def test_the_name_decides(self):
        self.check(self.run_plugin("plan", "--help"), 0, r"\AUsage: kubectl sluice plan ")
        self.check(self.run_plugin("help", "plan"), 0, r"\AUsage: kubectl sluice plan ")
        self.check(self.run_plugin("version"), 0, r"\Asluice \d")
        process = self.run_plugin("--help")
        self.check(process, 0, r"\AUsage: kubectl sluice COMMAND ")
        self.assertIn("\n  get  ", process.stdout)

    def test_mistakes_are_said_by_the_name_it_was_called(self):
        for words, sentence in [
                (["plan"], "^kubectl sluice plan: --replicas is missing\nTry 'kubectl sluice plan --help'"),
                (["rollout"], "^kubectl sluice: there is no command 'rollout'\nTry 'kubectl sluice --help'"),
                ([], "^kubectl sluice: a command is missing\nTry 'kubectl sluice --help'")]:
            with self.subTest(words):
                self.check(self.run_plugin(*words), 2, r"\A\Z", sentence)

    def test_kubectl_finds_it(self):
        if not shutil.which("kubectl"):
            self.skipTest("kubectl is not here")
        path = f"{self.directory}:{os.environ['PATH']}"
        process = subprocess.run(["kubectl", "sluice", "plan", "--help"], text=True, capture_output=True,
                                 check=False, env={**os.environ, "PATH": path})
        self.check(process, 0, r"\AUsage: kubectl sluice plan ")


if __name__ == "__main__":
    unittest.main()
