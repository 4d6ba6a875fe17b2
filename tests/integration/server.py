"""A `sluice webhook` of its own for each test: started, spoken to, and stopped."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

SLUICE = os.environ["SLUICE"]
FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "admission"
# The sanitizers' builds are slow; a test that passes does not wait so long.
PATIENCE = 30

SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)')


def wait_until(true, what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def issue(directory, *names):
    subprocess.run([SLUICE, "certs", "issue", "--out", str(directory),
                    *(word for name in [*(names or ["localhost"]), "127.0.0.1"]
                      for word in ("--dns", name))],
                   check=True, stdout=subprocess.DEVNULL)


def der(path):
    return ssl.PEM_cert_to_DER_cert(pathlib.Path(path).read_text())


class Mount:
    """A volume as the kubelet makes it: generations of files behind a link that is swapped."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir()
        self.generation = 0

    def swap(self, fill):
        """`fill` writes the files of the new generation into the directory it is given."""
        old = self.path / f"..{self.generation}"
        self.generation += 1
        new = self.path / f"..{self.generation}"
        new.mkdir()
        fill(new)
        (self.path / "..data_tmp").symlink_to(new.name)
        (self.path / "..data_tmp").rename(self.path / "..data")
        for file in new.iterdir():
            link = self.path / file.name
            if not link.is_symlink():
                link.symlink_to(f"..data/{file.name}")
        shutil.rmtree(old, ignore_errors=True)


class Server:
    """A context manager; `config` is laid over a configuration that works."""

    open_files = None  # the limit of them, soft and hard

    def __init__(self, policies="", tls=None, **config):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="sluice-webhook."))
        self.tls = self.root / "tls"
        if tls is None:
            issue(self.tls)
        else:
            tls(self.tls)
        self.policies = self.root / "policies"
        if callable(policies):
            policies(self.policies)
        else:
            self.policies.mkdir()
            (self.policies / "policies.yaml").write_text(policies)
        self.config = {
            "listen": {"address": "127.0.0.1", "port": 0,
                       "healthAddress": "127.0.0.1", "healthPort": 0},
            "tls": {"directory": str(self.tls)},
            "policies": {"paths": [str(self.policies)]},
            "limits": {"threads": 2},
            "shutdown": {"delay": "0s", "timeout": "20s"},
        }
        for group, keys in config.items():
            self.config.setdefault(group, {}).update(keys)

    def __enter__(self):
        file = self.root / "sluice.yaml"
        file.write_text(json.dumps(self.config))
        self.log_file = open(self.root / "log", "w+b")
        words = [] if self.open_files is None else ["prlimit", f"--nofile={self.open_files}"]
        self.process = subprocess.Popen([*words, SLUICE, "webhook", "--config", str(file)],
                                        stderr=self.log_file, stdin=subprocess.DEVNULL)
        wait_until(lambda: self.logged("serving") or self.process.poll() is not None, "serving")
        if self.process.poll() is not None:
            text = self.log_text()
            self.__exit__(AssertionError)
            raise AssertionError(text)
        line = self.logged("serving")[0]
        self.port, self.health_port = line["port"], line["healthPort"]
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = "killed"
        text = self.log_text()
        self.log_file.close()
        shutil.rmtree(self.root)
        if kind is None and status not in (0, getattr(self, "expected_status", 0)):
            raise AssertionError(f"exit status {status}\n{text}")

    def log_text(self):
        return (self.root / "log").read_text()

    def log(self):
        lines = self.log_text().split("\n")[:-1]  # the last may not be whole yet
        return [json.loads(line) for line in lines if line.startswith("{")]

    def logged(self, message):
        return [line for line in self.log() if line["msg"] == message]

    # --- speaking to it

    def context(self, verify=True):
        if not verify:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        return ssl.create_default_context(cafile=str(self.tls / "ca.crt"))

    def connect(self, context=None):
        """A TLS socket."""
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        try:
            return (context or self.context()).wrap_socket(plain, server_hostname="localhost")
        except BaseException:
            plain.close()
            raise

    def https(self, context=None):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE,
                                           context=context or self.context())

    def post(self, path, body, content_type="application/json", method="POST", context=None,
             headers=()):
        """Status, headers and body of the answer."""
        with contextlib.closing(self.https(context)) as connection:
            return ask(connection, path, body, content_type, method, headers)

    def get(self, path, method="GET"):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.health_port,
                                                           timeout=PATIENCE)) as connection:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()

    def ready(self):
        status, _, text = self.get("/readyz")
        return status, text

    def metrics(self):
        """{(name, labels): number}, checked against the text format as it is read."""
        status, headers, text = self.get("/metrics")
        assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return parse_metrics(text)

    def metric(self, name, labels=""):
        return self.metrics().get((name, labels), 0)

    def served(self):
        """The certificate that is served, as DER."""
        with contextlib.closing(self.connect(self.context(verify=False))) as peer:
            return peer.getpeercert(binary_form=True)


def ask(connection, path, body, content_type="application/json", method="POST", headers=()):
    fields = dict(headers)
    if content_type is not None:
        fields["Content-Type"] = content_type
    connection.request(method, path, body, fields)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def parse_metrics(text):
    helped, types, samples = set(), {}, {}
    assert text.endswith("\n"), "the last line has no end"
    for line in text.splitlines():
        if line.startswith("# HELP "):
            helped.add(line.split(" ", 3)[2])
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name in helped and name not in types, f"{name}: HELP first, and once"
            assert kind in ("counter", "gauge", "histogram"), line
            types[name] = kind
        else:
            match = SAMPLE.fullmatch(line)
            assert match, f"not a sample: {line}"
            name, labels, number = match.groups(default="")
            family = re.sub("_(bucket|sum|count)$", "", name)
            assert name in types or types.get(family) == "histogram", f"{name} has no TYPE"
            assert (name, labels) not in samples, f"twice: {line}"
            samples[name, labels] = float(number)
    return samples
