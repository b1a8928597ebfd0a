"""A TLS door before a real server whose build knows no TLS, as those of the wheels do not."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.access.certificates import Certificate


@contextmanager
def tls_door(certificate: Certificate, behind: int, *, postgres: bool = False) -> Iterator[int]:
    """The port of the door. Clients of Postgres ask for TLS first, in the clear, and are told yes."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)

    opened: list[asyncio.StreamWriter] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        with contextlib.suppress(OSError, EOFError):  # a client that does not like our certificate
            if postgres:
                await reader.readexactly(8)
                writer.write(b"S")
                await writer.drain()
            await writer.start_tls(context)
            theirs, ours = await asyncio.open_connection("127.0.0.1", behind)
            opened.append(ours)
            await asyncio.gather(_pass_on(reader, ours), _pass_on(theirs, writer))
        writer.close()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(meet, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_close(server, opened), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
    writer.close()


async def _close(server: asyncio.Server, opened: list[asyncio.StreamWriter]) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for writer in opened:
        writer.transport.abort()
    opened.clear()
    await asyncio.sleep(0.01)  # a transport lets go of its socket in the loop's next rounds
