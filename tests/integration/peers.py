"""Peers of the server that are no mock: ports that are closed or silent, and a way to the mock that spoils bytes."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack

HOST = "127.0.0.1"


@contextlib.contextmanager
def closed_port() -> Iterator[str]:
    """The base URL of a port where nobody listens, and which nobody else gets meanwhile."""
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        yield f"http://{HOST}:{unused.getsockname()[1]}/v1"


@contextlib.contextmanager
def silent_port() -> Iterator[str]:
    """The base URL of a port where connections are neither accepted nor refused."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind((HOST, 0))
        listener.listen(0)
        for _ in range(4):  # As many as the kernel accepts by itself, and more.
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://{HOST}:{listener.getsockname()[1]}/v1"


@contextlib.contextmanager
def mangler(port: int, character: str) -> Iterator[str]:
    """The base URL of a way to a port on which such characters of answers become bytes that UTF-8 does not know."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((HOST, port)) as server:
                back = threading.Thread(target=self._answer, args=(server,), daemon=True)
                back.start()
                with contextlib.suppress(OSError):  # The client may break off.
                    while data := self.request.recv(65536):
                        server.sendall(data)
                server.shutdown(socket.SHUT_WR)
                back.join()

        def _answer(self, server: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while data := server.recv(65536):
                    self.request.sendall(data.replace(character.encode(), b"\xff"))
                self.request.shutdown(socket.SHUT_WR)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server((HOST, 0), Handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://{HOST}:{proxy.server_address[1]}/v1"
        proxy.shutdown()
        thread.join()
