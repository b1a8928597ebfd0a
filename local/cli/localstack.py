"""`localstack`: an AWS to try things on, without Docker, until it is stopped."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from local.cli.ending import fail


def localstack(
    port: Annotated[int, typer.Option(help="Where it listens on 127.0.0.1.")] = 4566,
    install_only: Annotated[bool, typer.Option("--install-only", help="Install it and end.")] = False,
) -> None:
    """Run LocalStack: Secrets Manager, S3, SQS, SNS, SES, EventBridge; it needs Python 3.13 beside the one in use."""
    from local.folder import local_folder
    from local.servers import LocalStack, ServerError
    from local.servers.localstack import install_localstack

    home = local_folder()
    try:
        if install_only:
            install_localstack(home)
            return
        with LocalStack(home, port=port) as server:
            typer.echo(f"export AWS_ENDPOINT_URL={server.url} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test")
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
    except ServerError as error:
        fail(str(error))
