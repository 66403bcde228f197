"""The command that serves colouring over HTTP."""

from __future__ import annotations

import ipaddress
import secrets
from typing import Annotated

import typer

from colorify.cli.common import Device, plainly


def serve(
    model: Annotated[list[str] | None, typer.Option(help="Released models or paths; default: all released.")] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's want a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    token: Annotated[
        str, typer.Option(envvar="COLORIFY_TOKEN", help="What clients must send; made up where one is needed.")
    ] = "",
    max_megabytes: Annotated[float, typer.Option(min=0, help="Refuse larger bodies.")] = 50.0,
    max_megapixels: Annotated[float, typer.Option(min=0, help="Refuse larger pictures.")] = 100.0,
    waiting: Annotated[int, typer.Option(min=1, help="Requests at the same time; more are told to try again.")] = 200,
    per_minute: Annotated[int, typer.Option(min=0, help="Requests of one address in a minute; 0: any number.")] = 0,
    device: Device = "auto",
) -> None:
    """Serve colouring over HTTP: post a picture to /color, or several to /batches; / says how."""
    import uvicorn

    from colorify.batch import TOGETHER
    from colorify.inference import Colorizer
    from colorify.models import released
    from colorify.models.running import cores
    from colorify.server import Limits, application

    with plainly():
        workers = min(cores(), TOGETHER)
        colorizers = {name: Colorizer.load(name, device, workers) for name in model or released.models()}
        if not token and not _is_loopback(host):
            token = secrets.token_urlsafe(24)
            print(f"clients must send: Authorization: Bearer {token}")
        limits = Limits(max_megabytes, max_megapixels, waiting, per_minute=per_minute)
        app = application(colorizers, token, limits, workers)
        uvicorn.run(app, host=host, port=port, log_level="info", timeout_keep_alive=10)


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
