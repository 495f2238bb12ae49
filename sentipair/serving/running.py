"""Running the application on a socket until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Iterable

import uvicorn

from sentipair.errors import UserError
from sentipair.inference import Predictor
from sentipair.progress import say
from sentipair.serving.app import create_app
from sentipair.serving.limits import Limits


def serve(predictor: Predictor, *, host: str, port: int, limits: Limits, keys: Iterable[str]) -> None:
    """Answer on ``host`` and ``port`` (0 for any free one) until SIGTERM or Ctrl-C; what was accepted is finished.

    Raises:
        UserError: the address cannot be used.
    """
    keys = list(keys)
    predictor.warm_up()
    app = create_app(predictor, limits=limits, keys=keys)
    listening = listen(host, port)
    say(f"sentipair listens on http://{_shown(listening)}; stop it with Ctrl-C")
    if not keys and not _is_local(host):
        say("everybody who reaches this address can use it; SENTIPAIR_API_KEYS or --keys restrict that")
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=int(2 * limits.seconds),
    )
    uvicorn.Server(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        UserError: the address is in use, or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"cannot listen on {host}:{port} ({reason}); choose another --host or --port"
        ) from error


def _shown(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_local(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")
