"""A secret is asked for by one signed request; whatever goes wrong is told without a word of what is in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.access.login import Login
from chalicelib.access.secrets_manager import SecretsManager
from chalicelib.errors import Unavailable
from chalicelib.server_settings import AwsSettings, aws
from tests.access.vault import Vault

PASSWORD = "hunter2-of-the-vault"


@pytest.fixture
def settings(vault: Vault) -> AwsSettings:
    """As Lambda says it."""
    return aws(vault.variables, "local")


def ask(settings: AwsSettings, arn: str, stage: str = "AWSCURRENT") -> Login | None:
    """Read a secret."""
    return SecretsManager(settings, lambda: datetime.now(UTC)).login(arn, stage)


def test_a_secret_has_a_login_in_each_stage(vault: Vault, settings: AwsSettings) -> None:
    """Current, pending, previous; None for what is not there."""
    arn = vault.keep("app", "one")
    assert ask(settings, arn) == Login("app", "one")
    assert ask(settings, arn, "AWSPENDING") is None
    version = vault.pend(arn, "app", "two")
    assert ask(settings, arn) == Login("app", "one")
    assert ask(settings, arn, "AWSPENDING") == Login("app", "two")
    vault.finish(arn, version)
    assert ask(settings, arn) == Login("app", "two")
    assert ask(settings, arn, "AWSPREVIOUS") == Login("app", "one")


def test_a_secret_that_is_not_there_is_an_outage_and_named_in_the_log(
    settings: AwsSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """Jobs wait for whoever mends it."""
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rollcall/none-AbCdEf"
    with pytest.raises(Unavailable):
        ask(settings, arn)
    assert f"the secret {arn} could not be read: 404 ResourceNotFoundException" in caplog.text


@pytest.mark.parametrize(
    "text",
    [PASSWORD, f'{{"username": "{PASSWORD}"}}', f'["{PASSWORD}"]', f'{{"username": "a", "password": ["{PASSWORD}"]}}'],
)
def test_a_secret_of_another_form_is_told_without_showing_it(
    vault: Vault, settings: AwsSettings, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not JSON, or without a password."""
    arn = vault.client.create_secret(Name=f"odd-{len(text)}", SecretString=text)["ARN"]
    with pytest.raises(Unavailable) as fault, caplog.at_level(logging.DEBUG, "chalicelib"):
        ask(settings, arn)
    assert f"{arn} is not JSON with username and password" in caplog.text
    assert PASSWORD not in caplog.text + str(fault.value)


def test_a_server_that_is_away_or_talks_nonsense_is_an_outage(settings: AwsSettings) -> None:
    """Nobody at the port; somebody who speaks no HTTP."""
    with pytest.raises(Unavailable, match="Secrets Manager does not answer"):
        ask(replace(settings, secrets_endpoint="http://127.0.0.1:1"), "arn")
    with babbling() as url, pytest.raises(Unavailable, match="Secrets Manager does not answer"):
        ask(replace(settings, secrets_endpoint=url), "arn")


@contextmanager
def babbling() -> Iterator[str]:
    """A server that answers anything with nonsense."""
    import socketserver
    import threading

    class Babble(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(b"what?\r\n\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Babble) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
