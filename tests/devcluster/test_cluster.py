"""hack/devcluster.sh: what it prints and returns, and that nothing of a cluster outlives it."""

import os
import pathlib
import pty
import re
import signal
import subprocess

import pytest
from devcluster import cluster
from devcluster.cluster import ROOT, Cluster
from running import PATIENCE, wait_for

SCRIPT = ROOT / "hack" / "devcluster.sh"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: podinfo, image: "registry.local/podinfo:1"}]}
"""


def devcluster(*arguments, **more):
    return subprocess.run([SCRIPT, *map(str, arguments)], capture_output=True, text=True, timeout=2 * PATIENCE,
                          check=False, **more)


@pytest.fixture
def directory(tmp_path):
    yield tmp_path / "cluster"
    devcluster("down", "--dir", tmp_path / "cluster")


@pytest.fixture
def contained(request, monkeypatch):
    """Whether it is a PID namespace that keeps processes together, or subreapers do."""
    if not request.param:
        monkeypatch.setenv("DEVCLUSTER_NO_NAMESPACE", "1")
    return request.param


BOTH = pytest.mark.parametrize("contained", [True, False], ids=["namespace", "subreapers"], indirect=True)


def processes(directory):
    """The processes that have a directory in their arguments or environment: {pid: arguments}."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        try:
            arguments, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
        except (OSError, NotADirectoryError):
            continue  # no process, or one that has ended since
        if os.fsencode(directory) in arguments + environment and int(entry.name) != os.getpid():
            found[int(entry.name)] = arguments.decode().split("\0")
    return found


def pid_of(directory, module):
    """The first started of the processes of a module: of the supervisor and its fork, the supervisor."""
    return min(pid for pid, arguments in processes(directory).items() if f"devcluster.{module}" in arguments)


def with_a_pod(directory):
    """A cluster that runs a pod, so that there is a process to leave behind."""
    assert devcluster("up", "--nodes", "1", "--dir", directory).returncode == 0
    config = f"--kubeconfig={directory}/admin.kubeconfig"
    subprocess.run(["kubectl", config, "create", "-f", "-"], input=POD, text=True, check=True, capture_output=True)
    wait_for(lambda: any(arguments[0].endswith("podinfo") for arguments in processes(directory).values()))


def test_up_prints_what_a_shell_evaluates_and_is_idempotent(directory):
    first = devcluster("up", "--dir", directory)
    assert first.stdout == f"export KUBECONFIG={directory}/admin.kubeconfig\n" and first.stderr == ""
    second = devcluster("up", "--dir", directory)
    assert second.stdout == first.stdout and "runs already" in second.stderr
    nodes = subprocess.run(f'{first.stdout.strip()} && kubectl get nodes -o name', shell=True, text=True,
                           capture_output=True, check=True).stdout
    assert nodes.split() == ["node/node-1", "node/node-2", "node/node-3"]
    status = devcluster("status", "--dir", directory)
    assert status.returncode == 0 and re.search(r"^nodes +3 of 3 ready$", status.stdout, re.M)
    assert "supervisor.log" in devcluster("logs", "--dir", directory).stdout
    assert devcluster("logs", "node", "--dir", directory).returncode == 0


@BOTH
def test_down_leaves_nothing(directory, contained):
    with_a_pod(directory)
    assert devcluster("down", "--dir", directory).returncode == 0
    assert not processes(directory)
    assert sorted(path.name for path in directory.iterdir()) == ["log", "start.lock", "supervisor.lock"]
    status = devcluster("status", "--dir", directory)
    assert (status.returncode, status.stdout) == (1, "not running\n")
    assert devcluster("down", "--dir", directory).returncode == 0


@BOTH
@pytest.mark.parametrize("module", ["supervisor", "controllers", "node"])
def test_a_killed_process_takes_the_rest_with_it(directory, contained, module):
    with_a_pod(directory)
    os.kill(pid_of(directory, module), signal.SIGKILL)
    wait_for(lambda: not processes(directory))
    status = devcluster("status", "--dir", directory)
    assert status.returncode == 3
    assert status.stdout == ("not running: the supervisor was killed\n" if module == "supervisor"
                             else f"not running: {module} was killed by SIGKILL\n")


def test_up_clears_what_a_killed_cluster_left(directory):
    with_a_pod(directory)
    os.kill(pid_of(directory, "supervisor"), signal.SIGKILL)
    assert devcluster("up", "--nodes", "1", "--dir", directory).returncode == 0
    assert Cluster(directory).get("/api/v1/namespaces/default/pods")["items"] == []


def test_two_side_by_side(directory, tmp_path):
    other = tmp_path / "other"
    with subprocess.Popen([SCRIPT, "up", "--dir", other, "--nodes", "1"], stdout=subprocess.DEVNULL):
        assert devcluster("up", "--dir", directory, "--nodes", "2").returncode == 0
    try:
        assert len(Cluster(directory).get("/api/v1/nodes")["items"]) == 2
        assert len(Cluster(other).get("/api/v1/nodes")["items"]) == 1
        networks = {re.search(r'"network": "([^"]+)"', (each / "cluster.json").read_text())[1]
                    for each in (directory, other)}
        assert len(networks) == 2
    finally:
        devcluster("down", "--dir", other)
    assert devcluster("status", "--dir", directory).returncode == 0


def test_two_starts_at_once_make_one_cluster(directory):
    starts = [subprocess.Popen([SCRIPT, "up", "--dir", directory], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True) for _ in range(2)]
    printed = [start.communicate()[0] for start in starts]
    assert printed == [f"export KUBECONFIG={directory}/admin.kubeconfig\n"] * 2
    assert len([pid for pid, arguments in processes(directory).items() if "devcluster.apiserver" in arguments]) == 1


@pytest.mark.parametrize(("command", "status"), [("exit 7", 7), ("kill -9 $$", 137)])
def test_run_exits_as_the_command_does(command, status):
    assert devcluster("run", "--nodes", "1", "--", "bash", "-c", command).returncode == status


def test_run_passes_streams_and_cleans_up(tmp_path):
    done = devcluster("run", "--nodes", "1", "--", "bash", "-c", "cat; echo $KUBECONFIG; kubectl get nodes -o name",
                      input="in\n", env=os.environ | {"TMPDIR": str(tmp_path)})
    first, kubeconfig, node = done.stdout.splitlines()
    assert (first, node, done.returncode) == ("in", "node/node-1", 0)
    assert kubeconfig.startswith(str(tmp_path)) and not any(tmp_path.iterdir())
    assert not processes(tmp_path)


def test_run_of_no_program():
    done = devcluster("run", "--", "no-such-program")
    assert (done.returncode, done.stderr) == (127, "devcluster: no-such-program: No such file or directory\n")


@BOTH
@pytest.mark.parametrize(("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_run_that_is_stopped_leaves_nothing(tmp_path, contained, signum, status):
    (tmp_path / "tmp").mkdir()
    with subprocess.Popen([SCRIPT, "run", "--", "bash", "-c", f"touch {tmp_path}/up; exec sleep 1000"],
                          env=os.environ | {"TMPDIR": str(tmp_path / "tmp")}) as running:
        wait_for(lambda: (tmp_path / "up").exists())
        running.send_signal(signum)
    assert running.returncode == status
    wait_for(lambda: not processes(tmp_path))
    wait_for(lambda: not any((tmp_path / "tmp").iterdir()))


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130),
                                                (signal.SIGKILL, -9)])
def test_run_that_is_stopped_while_it_starts_leaves_nothing(tmp_path, signum, status):
    (tmp_path / "tmp").mkdir()
    with subprocess.Popen([SCRIPT, "run", "--", "true"], env=os.environ | {"TMPDIR": str(tmp_path / "tmp")}) as running:
        wait_for(lambda: any((tmp_path / "tmp").glob("*/pki")))
        running.send_signal(signum)
    assert running.returncode == status
    wait_for(lambda: not processes(tmp_path))
    wait_for(lambda: not any((tmp_path / "tmp").iterdir()))


def test_run_ends_with_its_terminal(tmp_path):
    try:
        pid, terminal = pty.fork()
    except OSError as error:
        pytest.skip(f"this system has no terminals: {error}")
    if not pid:
        os.environ["TMPDIR"] = str(tmp_path)
        os.execv(SCRIPT, [SCRIPT, "run", "--nodes", "1", "--", "bash", "-c", "echo started; exec sleep 1000"])
    printed = b""
    while b"started" not in printed:
        printed += os.read(terminal, 100)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 129
    assert not processes(tmp_path) and not any(tmp_path.iterdir())


def test_up_that_is_stopped_leaves_no_process(directory):
    with subprocess.Popen([SCRIPT, "up", "--dir", directory]) as starting:
        wait_for((directory / "pki").exists)
        starting.send_signal(signal.SIGTERM)
    assert starting.returncode == 143
    assert not processes(directory)


@BOTH
def test_no_process_is_left_where_nothing_can_be_written(directory, contained):
    with_a_pod(directory)
    (directory / "failure").mkdir()  # stands for a full disk
    os.kill(pid_of(directory, "controllers"), signal.SIGKILL)
    wait_for(lambda: not processes(directory))


def test_run_says_that_the_cluster_broke(directory):
    with subprocess.Popen([SCRIPT, "run", "--dir", directory, "--", "bash", "-c", f"touch {directory}/up; sleep 1000"],
                          stderr=subprocess.PIPE, text=True) as running:
        wait_for(lambda: (directory / "up").exists())
        os.kill(pid_of(directory, "apiserver"), signal.SIGKILL)
        printed = running.stderr.read()
    assert running.returncode == 1
    assert printed.startswith("devcluster: apiserver was killed by SIGKILL; its log ends with\n")


@pytest.mark.parametrize("arguments", [(), ("fly",), ("up", "--nodes", "many"), ("up", "--nodes", "0"), ("run",),
                                       ("run", "--"), ("logs", "nobody"), ("up", "--directory=x"), ("up", "--dir", "")])
def test_wrong_usage_is_status_2(arguments):
    done = devcluster(*arguments)
    assert done.returncode == 2 and done.stderr and not done.stdout


def test_a_directory_of_others_is_left_alone(tmp_path):
    (tmp_path / "letter").write_text("dear")
    done = devcluster("up", "--dir", tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"devcluster: {tmp_path} holds something else than a cluster: name another --dir\n"
    assert devcluster("down", "--dir", tmp_path).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["letter"]


def test_podinfo_is_made_elsewhere_where_the_tree_cannot_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PODINFO", tmp_path / "tree" / "podinfo")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert cluster.build_podinfo(tmp_path) == tmp_path / "podinfo"
    assert [path.name for path in tmp_path.iterdir()] == ["podinfo"]


def test_help_is_there_for_all():
    for command in ("up", "run", "down", "status", "logs"):
        done = devcluster(command, "--help")
        assert done.returncode == 0 and "--dir DIR" in done.stdout
