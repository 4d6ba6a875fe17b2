"""The three ways to ask something of a container, for probes and for hooks: an HTTP GET, a TCP connection, a command.

An action that fails raises ActionError with the text that the kubelet would show.
"""

import asyncio
import ssl

from . import process
from .environment import expand

BODY_LIMIT = 10240  # bytes of an answer that are read


class ActionError(Exception):
    pass


def port_of(container, port):
    """A port by number or by the name it has in the container."""
    if isinstance(port, int):
        return port
    for one in container.spec.get("ports") or ():
        if one.get("name") == port:
            return one["containerPort"]
    if str(port).isdigit():
        return int(port)
    raise ActionError(f"couldn't find port: {port} in pod")


async def http_get(container, action, address, timeout, agent, *, any_status=False):
    """The answer's body up to a limit; a status below 200 or from 400 on is a failure, unless any will do."""
    host, port = action.get("host") or address, port_of(container, action["port"])
    scheme = (action.get("scheme") or "HTTP").lower()
    path = action.get("path") or "/"
    url = f"{scheme}://{host}:{port}{path if path.startswith('/') else '/' + path}"
    headers = {"Host": f"{host}:{port}", "User-Agent": f"kube-{agent}/1.36", "Accept": "*/*", "Connection": "close"}
    headers |= {one["name"]: one["value"] for one in action.get("httpHeaders") or ()}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    target = url.split("/", 3)[3]
    try:
        async with asyncio.timeout(timeout):
            code, body = await _exchange(host, port, scheme, f"GET /{target} HTTP/1.1\r\n{head}\r\n")
    except TimeoutError:
        raise ActionError(f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting '
                          'headers)') from None
    except ConnectionRefusedError:
        raise ActionError(f'Get "{url}": dial tcp {host}:{port}: connect: connection refused') from None
    except (OSError, EOFError, ValueError) as error:
        raise ActionError(f'Get "{url}": {error or "EOF"}') from None
    if not (any_status or 200 <= code < 400):
        raise ActionError(f"HTTP {agent} failed with statuscode: {code}")
    return body


async def _exchange(host, port, scheme, request):
    """(status, body) of one request on a connection of its own."""
    tls = None
    if scheme == "https":  # a probe verifies nothing: the certificate is the application's own affair
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(host, port, ssl=tls, limit=BODY_LIMIT)
    try:
        writer.write(request.encode())
        status = await reader.readline()
        version, code = status.split(maxsplit=2)[:2]
        if not version.startswith(b"HTTP/1."):
            raise ValueError(f"malformed HTTP response {status[:40]!r}")
        await reader.readuntil(b"\r\n\r\n")
        return int(code), (await reader.read(BODY_LIMIT)).decode(errors="replace")
    finally:
        writer.close()


async def tcp_connect(container, action, address, timeout):
    host, port = action.get("host") or address, port_of(container, action["port"])
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        raise ActionError(f"dial tcp {host}:{port}: i/o timeout") from None
    except ConnectionRefusedError:
        raise ActionError(f"dial tcp {host}:{port}: connect: connection refused") from None
    except OSError as error:
        raise ActionError(f"dial tcp {host}:{port}: {error}") from None
    writer.close()


async def command(container, action, images, timeout):
    """Runs a command with the container's environment; its output."""
    variables = container.environment
    argv = [expand(word, variables) for word in action["command"]]
    path = images.path(argv[0], variables["PATH"])
    if path is None:
        raise ActionError(f'exec: "{argv[0]}": executable file not found in $PATH')
    try:
        code, output = await process.run([path, *argv[1:]], env=variables, cwd=variables["PWD"], timeout=timeout)
    except TimeoutError:
        raise ActionError(f'command timed out: "{" ".join(argv)}" timed out after {timeout}s') from None
    except OSError as error:
        raise ActionError(str(error)) from None
    if code != 0:
        raise ActionError(output)
    return output
