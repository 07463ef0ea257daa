"""Starting a server: its address, the names that it may be called by, and its end."""

import errno
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from mmvos.structures import InputError

#: seconds that requests under way have to end
_GRACE = 5


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; InputError, naming the options, where that is not possible."""
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OverflowError as error:
        raise InputError(f'--port {port}: expected 0 to 65535.') from error
    except OSError as error:
        hint = f'is another one running? Try --port {port + 1}' if error.errno == errno.EADDRINUSE else 'see --host and --port'
        raise InputError(f'cannot listen at {host}:{port} ({error.strerror or error}); {hint}.') from error


def hosts_of(host: str) -> list[str]:
    """Names that a server at an address may be called by; empty: any, since it listens everywhere."""
    return [] if host in ('', '0.0.0.0', '::') else ['127.0.0.1', 'localhost', '::1', host]


def serve(app: FastAPI, listener: socket.socket, on_exit: Callable[[], object] = lambda: None) -> None:
    """Answer requests until Ctrl-C or SIGTERM, which is raised again when the application has been closed.

    Args:
        app (FastAPI): the application.
        listener (socket): see :func:`listen`.
        on_exit (Callable): called by the signal, to end answers that have no end of their own.
    """

    class Server(uvicorn.Server):
        @override
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            on_exit()
            super().handle_exit(sig, frame)

    Server(uvicorn.Config(app, log_level='warning', timeout_graceful_shutdown=_GRACE)).run([listener])
