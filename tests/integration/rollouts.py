"""`sluice rollout` against a cluster: the development cluster without nodes, on which the tests play the
reconciler and write a Rollout's status themselves."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import tree
from command import SLUICE

sys.path[:0] = [str(tree.ROOT / "hack"), str(tree.ROOT / "tests" / "e2e")]

import devcluster.cluster  # noqa: E402: it takes the path above
import kube  # noqa: E402
from devcluster.resources import Resource  # noqa: E402

PATIENCE = 30  # seconds that nothing should ever take
NAMESPACE = "default"
ROLLOUTS = Resource("sluice.dev", "v1alpha1", "rollouts", "Rollout")


def setUpModule():
    global STARTED, CLUSTER
    directory = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(directory.cleanup)
    STARTED = devcluster.cluster.Cluster(pathlib.Path(directory.name))
    STARTED.up(0, owner=os.getpid())
    unittest.addModuleCleanup(STARTED.down)
    CLUSTER = kube.Cluster(STARTED.kubeconfig)
    unittest.addModuleCleanup(CLUSTER.close)
    CLUSTER.kubectl("apply", "-f", str(tree.MANIFESTS / "crds" / "rollouts.yaml"))
    CLUSTER.kubectl("wait", "--for=condition=Established", "crd/rollouts.sluice.dev")


def workload(kind, name, image):
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}},
                         "spec": {"containers": [{"name": "app", "image": image}]}}}
    if kind == "StatefulSet":
        spec |= {"serviceName": name, "podManagementPolicy": "Parallel"}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


class Case(unittest.TestCase):
    kind, plural = "Deployment", "deployments"
    count = 0

    def setUp(self):
        Case.count += 1
        self.name = f"web-{Case.count}"
        self.apply(workload(self.kind, self.name, "web:1"))
        self.apply({"apiVersion": "sluice.dev/v1alpha1", "kind": "Rollout", "metadata": {"name": self.name},
                    "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": self.kind, "name": self.name},
                             "rolloutPlan": {"rolloutBatches": [{"replicas": 1}, {"replicas": "100%"}]}}})
        self.until(lambda: len(self.items("pods")) == 3)

    def apply(self, manifest):
        CLUSTER.kubectl("-n", NAMESPACE, "apply", "-f", "-", stdin=manifest)

    def items(self, resource):
        text = CLUSTER.kubectl("-n", NAMESPACE, "get", resource, "-l", f"app={self.name}", "-o", "json")
        return json.loads(text)["items"]

    def get(self, resource):
        return CLUSTER.call("get", resource, self.name, NAMESPACE)

    def until(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def report(self, phase, state=None, batch_state=None):
        """What the reconciler would write."""
        generation = self.get(ROLLOUTS)["metadata"]["generation"]
        status = {"observedGeneration": generation, "phase": phase, "replicas": 3, "updatedReplicas": 1,
                  "updatedReadyReplicas": 1, "currentBatch": 0, "message": f"it is {phase}",
                  "batches": [{"target": 1, "updated": 1, "ready": 1}, {"target": 3}],
                  "run": {"id": "r1", "stableRevision": "old", "updateRevision": "new"},
                  "rollingState": state or "RollingInBatches", "batchRollingState": batch_state}
        CLUSTER.call("patch", ROLLOUTS, self.name, NAMESPACE, {"status": status}, subresource="status")

    def patch(self, resource, body):
        CLUSTER.kubectl("-n", NAMESPACE, "patch", resource, self.name, "--type=merge", "-p", json.dumps(body))

    def words(self, command, *more):
        return [SLUICE, "rollout", *command.split(), "-n", NAMESPACE, "--kubeconfig", CLUSTER.kubeconfig,
                *more]

    def sluice(self, command, *more, status=0):
        process = subprocess.run(self.words(command, *more), text=True, capture_output=True, check=False,
                                 timeout=PATIENCE)
        self.assertEqual(process.returncode, status, process.stdout + process.stderr)
        return process.stdout if status == 0 else process.stderr


class Odd(Case):
    """What users get wrong, and what is around the command."""

    def test_a_name_is_never_a_path(self):
        for name in ("..", ".", "", "../../pods", "Web"):
            for command in ("get", "pause", "history", "wait"):
                self.assertIn("must consist of", self.sluice(command, name, status=2))
        self.assertIn("must consist of", self.sluice("list", "--namespace=..", status=2))

    def test_a_watch_ends_with_its_reader(self):
        self.report("Progressing", batch_state="BatchInRolling")
        with subprocess.Popen(self.words("get -w", self.name), text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            self.assertIn("Progressing", process.stdout.readline())
            process.stdout.close()
            self.assertEqual(process.wait(PATIENCE), 2)
            self.assertIn("Broken pipe", process.stderr.read())

    def test_a_wait_without_time_looks_once(self):
        self.report("Paused", batch_state="BatchReady")
        self.assertIn("it is Paused", self.sluice("wait", self.name, "--timeout", "0s", status=1))
        self.sluice("wait", self.name, "--timeout", "0s", "--for", "Paused")


class Orders(Case):
    def test_confirm_names_the_run_and_the_batch_that_wait(self):
        self.assertIn("has no run under way", self.sluice("confirm", self.name, status=1))
        self.report("WaitingForConfirmation", batch_state="BatchReady")
        self.assertIn("batch 1, not 2", self.sluice("confirm", self.name, "--batch", "2", status=1))
        self.assertEqual(self.sluice("confirm", self.name), f"rollout.sluice.dev/{self.name} confirmed\n")
        self.assertEqual(self.get(ROLLOUTS)["spec"]["confirm"], {"run": "r1", "batch": 0})
        self.assertIn("confirmed already", self.sluice("confirm", self.name, "--batch", "1"))

    def test_orders_are_the_users_own(self):
        self.report("Progressing", batch_state="BatchInRolling")
        self.sluice("pause", self.name)
        self.sluice("promote", self.name)
        rollout = self.get(ROLLOUTS)
        self.assertTrue(rollout["spec"]["paused"])
        self.assertEqual(rollout["spec"]["command"], {"run": "r1", "do": "Promote"})
        self.assertIn("kubectl-sluice", [entry["manager"] for entry in rollout["metadata"]["managedFields"]])
        self.sluice("resume", self.name)
        self.sluice("abort", self.name)
        rollout = self.get(ROLLOUTS)
        self.assertFalse(rollout["spec"]["paused"])
        self.assertEqual(rollout["spec"]["command"], {"run": "r1", "do": "Abort"})
        self.assertIn("has no run that failed", self.sluice("retry", self.name, status=1))
        self.report("Failed", "RolloutFailed")
        self.sluice("retry", self.name)
        self.assertEqual(self.get(ROLLOUTS)["spec"]["command"]["do"], "Retry")

    def test_what_is_not_there_is_no_answer(self):
        for command in "get", "confirm", "pause", "undo", "history", "wait":
            self.assertIn("not found", self.sluice(command, "nope", status=2))
        process = subprocess.run([SLUICE, "rollout", "list", "--kubeconfig", "/nowhere"], text=True,
                                 capture_output=True, check=False)
        self.assertEqual((process.returncode, process.stdout), (2, ""))
        self.assertIn("/nowhere", process.stderr)


class Show(Case):
    def test_list_and_get_in_every_form(self):
        self.report("Progressing", batch_state="BatchInRolling")
        table = self.sluice("list")
        self.assertRegex(table, r"\ANAME +PHASE +BATCH +UPDATED +READY +MESSAGE +AGE\n")
        self.assertRegex(table, rf"(?m)^{self.name} +Progressing +1/2 +1/3 +1 +it is Progressing +\d+s$")
        self.assertIn(f"rollout.sluice.dev/{self.name}\n", self.sluice("list", "-o", "name"))
        names = [item["metadata"]["name"] for item in json.loads(self.sluice("list", "-A", "-o", "json"))["items"]]
        self.assertIn(self.name, names)
        self.assertEqual(tree.parse(self.sluice("get", self.name, "-o", "yaml"))[0],
                         json.loads(self.sluice("get", self.name, "-o", "json")))
        text = self.sluice("get", self.name)
        self.assertNotIn("\033", text)
        self.assertIn("Deployment/" + self.name + ": 1 of 3 pods updated", text)
        self.assertEqual(len(re.findall(rf"(?m)^{self.name}-\S+ +\S+ +false +0 ", text)), 3)

    def test_a_pipe_gets_a_line_for_each_change(self):
        self.report("Progressing", batch_state="BatchInRolling")
        with subprocess.Popen(self.words("get", self.name, "-w"), stdout=subprocess.PIPE, text=True) as process:
            self.addCleanup(process.kill)
            self.assertRegex(process.stdout.readline(),
                             rf"^20\S+Z {NAMESPACE}/{self.name} Progressing batch 1/2 updated 1/3 ready 1: it is")
            self.report("Healthy", "RolloutSucceed")
            self.assertIn(" Healthy batch 1/2 ", process.stdout.readline())
            CLUSTER.kubectl("-n", NAMESPACE, "delete", "rollouts.sluice.dev", self.name)
            self.assertEqual(process.stdout.readline(), "")
            self.assertEqual(process.wait(PATIENCE), 1)


class Terminal(Case):
    def open(self, *words, **environment):
        try:
            self.ours, theirs = pty.openpty()
        except OSError as error:  # a chroot without /dev/pts
            self.skipTest(f"no terminal can be had here: {error}")
        self.resize(24, 100)
        variables = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        process = subprocess.Popen(words, stdout=theirs, stdin=theirs, stderr=theirs, start_new_session=True,
                                   preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                                   env={**variables, "TERM": "xterm", **environment})
        os.close(theirs)
        self.addCleanup(os.close, self.ours)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.seen = ""
        return process

    def resize(self, rows, columns):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, pattern):
        """Everything that is written up to the end of `pattern`, since it was asked last."""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.seen, re.S)):
            self.assertLess(time.monotonic(), end, self.seen)
            if select.select([self.ours], [], [], 0.1)[0]:
                self.seen += os.read(self.ours, 65536).decode()
        text, self.seen = self.seen[:found.end()], self.seen[found.end():]
        return text

    def test_the_picture_is_redrawn_in_place_and_left_alone_by_an_interrupt(self):
        self.report("Progressing", batch_state="BatchInRolling")
        process = self.open(*self.words("get", self.name, "-w"))
        first = self.read_until(r"\033\[\?25h")
        self.assertIn("\033[1mProgressing\033[0m", first)
        self.assertNotIn("A", re.findall(r"\033\[\d+(A)", first))  # nothing stands above it yet
        self.assertEqual(first.count("\033[2J"), 0)
        lines = first.count("\n")

        self.report("WaitingForConfirmation", batch_state="BatchReady")
        second = self.read_until(r"WaitingForConfirmation.*\033\[\?25h")
        self.assertIn(f"\033[{lines}A", second)  # the first line of the picture again
        self.assertEqual(second.count("\033[2J"), 0)  # nothing is cleared before it is drawn

        self.resize(6, 100)
        third = self.read_until(r"more lines.*\033\[\?25h")
        self.assertIn("\033[H\033[2J", third)
        self.assertEqual(third[third.index("\033[2J"):].count("\n"), 5)

        os.write(self.ours, b"\003")
        self.assertEqual(process.wait(PATIENCE), -signal.SIGINT)
        self.assertEqual(self.seen.count("\033[?25l"), self.seen.count("\033[?25h"))

    def test_no_colours_where_they_are_not_wanted(self):
        self.report("Progressing", batch_state="BatchInRolling")
        self.open(*self.words("get", self.name, "-w"), NO_COLOR="1")
        self.assertNotRegex(self.read_until(r"\033\[\?25h"), r"\033\[\d*m")


class Wait(Case):
    def wait_in_background(self, *words):
        process = subprocess.Popen(self.words("wait", self.name, *words), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def finish(self, process, status):
        stdout, stderr = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, status, stdout + stderr)
        return stdout + stderr

    def test_healthy_counts_once_the_workload_is_let_go(self):
        self.patch(self.plural, {"metadata": {"annotations": {"sluice.dev/held": "{}"}}})
        self.report("Healthy", "RolloutSucceed")  # of the run before
        self.assertIn("timed out", self.sluice("wait", self.name, "--timeout", "1500ms", status=1))
        process = self.wait_in_background("--timeout", f"{PATIENCE}s")
        self.report("Progressing", batch_state="BatchInRolling")
        self.patch(self.plural, {"metadata": {"annotations": {"sluice.dev/held": None}}})
        self.report("Healthy", "RolloutSucceed")
        self.assertEqual(self.finish(process, 0), f"rollout.sluice.dev/{self.name} is Healthy\n")

    def test_failure_and_deletion_end_it(self):
        self.report("Progressing", batch_state="BatchInRolling")
        process = self.wait_in_background()
        self.report("Failed", "RolloutFailed")
        self.assertIn("has Failed: it is Failed", self.finish(process, 1))
        self.assertIn("is Failed\n", self.sluice("wait", self.name, "--for", "Failed"))
        process = self.wait_in_background("--for", "Paused", "--timeout", "20s")
        self.assertIn("has Failed", self.finish(process, 1))
        self.report("Progressing", batch_state="BatchInRolling")
        process = self.wait_in_background()
        time.sleep(0.5)
        CLUSTER.kubectl("-n", NAMESPACE, "delete", "rollouts.sluice.dev", self.name)
        self.assertRegex(self.finish(process, process.returncode or 1), "was deleted")


class Undo(Case):
    def image(self):
        return self.get(self.plural)["spec"]["template"]["spec"]["containers"][0]["image"]

    def change(self, image, **more):
        self.patch(self.plural, {"spec": {**more, "template": {"spec": {
            "containers": [{"name": "app", "image": image}]}}}})

    def test_goes_back_and_to_a_revision(self):
        self.assertIn("no earlier revision", self.sluice("undo", self.name, status=1))
        self.change("web:2")
        self.until(lambda: "web:2" in self.sluice("history", self.name))
        self.assertRegex(self.sluice("history", self.name),
                         r"\AREVISION +NAME +RUN +IMAGES +CHANGE-CAUSE\n1 .* web:1 .*\n2 .* web:2 ")
        self.assertIn("to revision 1", self.sluice("undo", self.name))
        self.assertEqual(self.image(), "web:1")
        self.until(lambda: re.search(r"\n3 .*web:1", self.sluice("history", self.name)))
        self.sluice("undo", self.name, "--to-revision", "2")
        self.assertEqual(self.image(), "web:2")
        self.assertIn("no revision 9", self.sluice("undo", self.name, "--to-revision", "9", status=1))


class UndoDeployment(Undo):
    def test_works_while_the_deployment_is_held(self):
        self.change("web:2", paused=True)
        self.assertIn("to revision 1", self.sluice("undo", self.name))
        self.assertEqual(self.image(), "web:1")
        self.assertNotIn("pod-template-hash", json.dumps(self.get(self.plural)["spec"]["template"]))


class UndoStatefulSet(Undo):
    kind, plural = "StatefulSet", "statefulsets"


class Completion(Case):
    def test_offers_the_names_of_rollouts(self):
        script = (f'source "{tree.ROOT}/src/cli/sluice.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  '_sluice; printf "%s\\n" "${COMPREPLY[@]}"')
        process = subprocess.run(["bash", "-c", script, "bash", SLUICE, "rollout", "get", "-n", NAMESPACE,
                                  "--kubeconfig", CLUSTER.kubeconfig, self.name],
                                 text=True, capture_output=True, check=True)
        self.assertIn(self.name, process.stdout.split())
        self.assertEqual(process.stderr, "")


del Undo  # each kind runs it
if __name__ == "__main__":
    unittest.main()
