"""podinfo: what the tests of everything else lean on."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time

import pytest
from devcluster.cluster import build_podinfo
from running import PATIENCE, wait_for

# of this run alone, and in a network that no development cluster takes
ADDRESS, PORT = f"127.15.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}", 8080


def listens():
    try:
        socket.create_connection((ADDRESS, PORT)).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.fixture
def podinfo(tmp_path):
    """Starts it with more arguments; its process."""
    started = []

    def start(*arguments):
        with open(tmp_path / "log", "wb") as log:
            started.append(subprocess.Popen(
                [build_podinfo(), "--address", ADDRESS, *arguments], stdout=log,
                env={"IMAGE": "registry.local/podinfo:v7", "HOSTNAME": "web-0"}))
        wait_for(listens)
        return started[0]

    yield start
    for process in started:
        process.kill()
        process.wait()


def request(path, method="GET", connection=None):
    connection = connection or http.client.HTTPConnection(ADDRESS, PORT, timeout=PATIENCE)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer


@pytest.mark.parametrize("path, status", [
    ("/", 200), ("/healthz", 200), ("/readyz", 200), ("/status/418", 418), ("/status/204", 204), ("/nothing", 404),
    ("/fail?path=readyz&for=1", 405)])
def test_a_path_has_its_status(podinfo, path, status):
    podinfo()
    assert request(path)[0] == status


def test_it_says_its_version_and_counts(podinfo):
    podinfo()
    connection = http.client.HTTPConnection(ADDRESS, PORT, timeout=PATIENCE)
    bodies = [json.loads(request("/", connection=connection)[1]) for _ in range(2)]
    assert bodies == [{"version": "v7", "pod": "web-0", "requests": n} for n in (1, 2)]


@pytest.mark.parametrize("path", ["/sleep/150", "/?sleep=150"])
def test_an_answer_can_be_delayed(podinfo, path):
    podinfo()
    began = time.monotonic()
    assert request(path)[0] == 200 and time.monotonic() - began >= 0.15


def test_a_check_fails_as_often_as_it_is_told(podinfo):
    podinfo()
    assert request("/fail?path=readyz&times=2", "POST")[0] == 200
    assert [request("/readyz")[0] for _ in range(3)] == [503, 503, 200]
    assert request("/healthz")[0] == 200


@pytest.mark.parametrize("sent, statuses", [
    (b"GET / HTTP/1.1\r\n\r\nGET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", [200, 200]),
    (b"GET / HTTP/1.0\r\n\r\n", [200]),
    (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n",
     [200, 404]),
    (b"nonsense\r\n\r\n", [400]),
    (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", [501]),
    (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", [413]),
    (b"GET /" + b"a" * 8187, [431]),
    (b"GET /\0 HTTP/1.1\r\n\r\n", [400])])
def test_bytes_are_answered(podinfo, sent, statuses):
    podinfo()
    with socket.create_connection((ADDRESS, PORT), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert [int(part.split()[0]) for part in received.split(b"HTTP/1.1 ")[1:]] == statuses


def test_sigterm_cuts_what_is_under_way(podinfo):
    process = podinfo()
    connection = http.client.HTTPConnection(ADDRESS, PORT, timeout=PATIENCE)
    connection.request("GET", "/sleep/60000")
    assert request("/healthz")[0] == 200  # so it has read what was sent before
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.getresponse()


def test_graceful_finishes_what_is_under_way(podinfo, tmp_path):
    process = podinfo("--graceful")
    connection = http.client.HTTPConnection(ADDRESS, PORT, timeout=PATIENCE)
    connection.request("GET", "/sleep/400")
    assert request("/healthz")[0] == 200  # so it has read what was sent before
    process.send_signal(signal.SIGTERM)
    wait_for(lambda: not listens())
    assert connection.getresponse().status == 200 and process.wait(PATIENCE) == 0
    line = json.loads((tmp_path / "log").read_text().splitlines()[-1])
    assert (line["path"], line["status"]) == ("/sleep/400", 200) and line["milliseconds"] >= 400


def test_it_crashes_when_asked(podinfo):
    process = podinfo()
    assert request("/crash")[0] == 200 and process.wait(PATIENCE) == 3


@pytest.mark.parametrize("path, code", [("/", 0), ("/status/503", 1)])
def test_it_is_a_client_too(podinfo, path, code):
    podinfo()
    got = subprocess.run([build_podinfo(), "--get", f"http://{ADDRESS}:{PORT}{path}"], capture_output=True)
    assert got.returncode == code and json.loads(got.stdout)["version"] == "v7"
