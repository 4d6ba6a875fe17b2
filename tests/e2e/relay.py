"""A way to the API server that a test can cut: a relay of TCP connections with an end of its own."""

import contextlib
import json
import pathlib
import socket
import threading
import urllib.parse

import yaml

CHUNK = 65536


class Relay:
    def __init__(self, kubeconfig, directory):
        """kubeconfig: whose API server is reached, by the same name."""
        config = yaml.safe_load(pathlib.Path(kubeconfig).read_text())
        server = urllib.parse.urlsplit(config["clusters"][0]["cluster"]["server"])
        self._target = server.hostname, server.port
        self._sockets = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{self._port}"
        if server.hostname != "127.0.0.1":
            config["clusters"][0]["cluster"]["tls-server-name"] = server.hostname
        self.kubeconfig = directory / "relayed.kubeconfig"
        self.kubeconfig.write_text(json.dumps(config))
        self._serve()

    def cut(self):
        """From now on nobody gets through: connections are reset, new ones refused."""
        _shut(self._listener)
        for one in list(self._sockets):
            _shut(one)

    def mend(self):
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._serve()

    def _serve(self):
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        with contextlib.suppress(OSError):  # it was closed
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._target)
                for source, sink in ((client, server), (server, client)):
                    self._sockets.add(source)
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                sink.sendall(data)
        for one in (source, sink):
            _shut(one)
            self._sockets.discard(one)


def _shut(one):
    """Wakes who waits for it, then closes it."""
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
