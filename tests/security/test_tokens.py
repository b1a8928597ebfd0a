"""Forged, altered, borrowed and broken tokens at the front door: over HTTP, against an issuer's keys, each is a 401."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

import app
from chalicelib.api.doors import BASE
from chalicelib.api.routes import operations
from chalicelib.container import Container
from chalicelib.db.session import Database
from local.gateway import serve
from local.servers import EmbeddedRedis
from tests.issuer import Issuer, by_hand, running_issuer
from tests.school import TODAY, School, new_id
from tests.security.conftest import application
from tests.security.hostile import SQL

STRANGER = rsa.generate_private_key(65_537, 2048)
NOT_VALID, EXPIRED = "The token is not valid here.", "The token has expired."


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """The identity provider that is believed."""
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def container(database_url: str, redis_server: EmbeddedRedis, issuer: Issuer) -> Iterator[Container]:
    """The application, as a stage on AWS has it: it believes the keys that an issuer publishes."""
    with application(database_url, redis_server.url(0), JWT_JWKS_URL=issuer.url) as container:
        yield container


@pytest.fixture(scope="module")
def school(database: Database) -> School:
    """Whose admin the tokens claim to be."""
    return School(database)


@pytest.fixture(scope="module")
def door(container: Container) -> Iterator[httpx.Client]:
    """The front door, over HTTP."""
    with serve(app.app) as url, httpx.Client(base_url=url + BASE, trust_env=False, timeout=30) as client:
        yield client


Claims = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def claims(school: School) -> Claims:
    """What a good token of an admin says, but for these parts; None leaves one out."""

    def made(**parts: Any) -> dict[str, Any]:
        usual = {
            "iss": "tests", "aud": "rollcall", "sub": "eve", "tenant_id": school.tenant, "roles": ["admin"],
            "exp": int(time.time()) + 600,
        }  # fmt: skip
        return {name: value for name, value in (usual | parts).items() if value is not None}

    return made


def ask(door: httpx.Client, token: str | bytes) -> httpx.Response:
    """The settings, with this token."""
    raw = token.encode() if isinstance(token, str) else token
    return door.get("/settings", headers={b"authorization": b"Bearer " + raw})


def refused(door: httpx.Client, token: str | bytes, detail: str = NOT_VALID) -> None:
    """401, which scheme is asked for, and one sentence that does not say which check failed."""
    answer = ask(door, token)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == 'Bearer realm="rollcall"'
    assert (answer.json()["code"], answer.json()["detail"]) == ("unauthenticated", detail)


def test_a_token_of_the_issuer_opens_the_door(door: httpx.Client, issuer: Issuer, claims: Claims) -> None:
    """So what is refused below is refused for its fault alone."""
    assert ask(door, jwt.encode(claims(), issuer.rsa, "RS256", {"kid": "r"})).status_code == 200
    assert ask(door, jwt.encode(claims(), issuer.ec, "ES256", {"kid": "e"})).status_code == 200


@pytest.mark.parametrize("name", ["none", "None", "nOnE", "NONE", "", None, [], {}, 0, ["RS256"], "RS256\0", "HS256"])
def test_unsigned_or_signed_by_a_method_of_its_own_choice(name: Any, door: httpx.Client, claims: Claims) -> None:
    """`alg` is not a wish."""
    signed = by_hand({"alg": name, "typ": "JWT", "kid": "r"}, claims())
    refused(door, signed)
    refused(door, signed.rpartition(".")[0] + ".")


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_the_public_key_as_a_shared_secret(algorithm: str, door: httpx.Client, issuer: Issuer, claims: Claims) -> None:
    """RS256 turned into HS256: everybody knows that key."""
    public = issuer.rsa.public_key()
    known = [public.public_bytes(Encoding.PEM, one) for one in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1)]
    jwk = json.dumps(RSAAlgorithm.to_jwk(public, as_dict=True)).encode()
    for secret in (*known, known[0].strip(), jwk, issuer.keys(), b""):
        refused(door, by_hand({"alg": algorithm, "typ": "JWT", "kid": "r"}, claims(), secret))


def test_signed_by_somebody_else(door: httpx.Client, issuer: Issuer, claims: Claims) -> None:
    """Under a published name, an unknown one, none; and by a published key of another kind."""
    for headers in ({"kid": "r"}, {"kid": "s"}, {}):
        refused(door, jwt.encode(claims(), STRANGER, "RS256", headers))
    refused(door, jwt.encode(claims(), issuer.rsa, "RS256", {"kid": "e"}))
    refused(door, jwt.encode(claims(), issuer.rsa, "PS256", {"kid": "r"}))
    refused(door, jwt.encode(claims(), issuer.rsa, "RS512", {"kid": "r"}))
    refused(door, jwt.encode(claims(), issuer.rsa, "RS256"))


def test_altered_after_it_was_signed(door: httpx.Client, issuer: Issuer, claims: Claims) -> None:
    """The claims of one token with the signature of another, a signature cut short, made longer, or put twice."""
    teacher = jwt.encode(claims(roles=["teacher"]), issuer.rsa, "RS256", {"kid": "r"}).split(".")
    admin = jwt.encode(claims(), STRANGER, "RS256", {"kid": "r"}).split(".")
    refused(door, ".".join([teacher[0], admin[1], teacher[2]]))
    for ending in (teacher[2][:-4], teacher[2] + "AAAA", f"{teacher[2]}.{teacher[2]}", "", "AA"):
        refused(door, ".".join([teacher[0], teacher[1], ending]))


TIMES: list[Any] = [
    pytest.param({"exp": -60}, EXPIRED, id="expired"),
    pytest.param({"exp": -86_400 * 365}, EXPIRED, id="expired last year"),
    pytest.param({"nbf": 3_600}, NOT_VALID, id="not yet valid"),
    pytest.param({"iat": 3_600}, NOT_VALID, id="issued tomorrow"),
]


@pytest.mark.parametrize(("part", "detail"), TIMES)
def test_at_another_time(part: dict[str, int], detail: str, door: httpx.Client, issuer: Issuer, claims: Claims) -> None:
    """A real token of the issuer, too late or too early."""
    moved = {name: int(time.time()) + offset for name, offset in part.items()}
    refused(door, jwt.encode(claims(**moved), issuer.rsa, "RS256", {"kid": "r"}), detail)


WRONG: list[dict[str, Any]] = [
    {"aud": "payroll"}, {"aud": ["payroll", "x"]}, {"aud": ""}, {"aud": []}, {"aud": {"rollcall": 1}},
    {"iss": "https://elsewhere.example/"}, {"iss": ""}, {"iss": ["tests"]}, {"iss": {}}, {"iss": "tests\0"},
    *({name: None} for name in ("exp", "iss", "aud", "sub")),
    {"exp": "never"}, {"exp": []}, {"exp": -1}, {"nbf": "x"}, {"sub": 7}, {"sub": ["eve"]},
]  # fmt: skip


@pytest.mark.parametrize("part", WRONG, ids=str)
def test_for_or_from_somebody_else(part: dict[str, Any], door: httpx.Client, issuer: Issuer, claims: Claims) -> None:
    """A real token of the issuer, meant for another service, or without what counts."""
    made = jwt.api_jws.encode(json.dumps(claims(**part)).encode(), issuer.rsa, "RS256", {"kid": "r"})
    refused(door, made, EXPIRED if part == {"exp": -1} else NOT_VALID)


@pytest.mark.parametrize("tenant", [None, "*", "", "{}", ["a"], *SQL[:6]])
def test_for_no_tenant_or_for_a_clever_one(tenant: Any, door: httpx.Client, issuer: Issuer, claims: Claims) -> None:
    """It opens row-level security, so nothing but one UUID passes."""
    made = jwt.encode(claims(tenant_id=tenant), issuer.rsa, "RS256", {"kid": "r"})
    refused(door, made, "The token names no tenant.")


KIDS = [
    "../../../../../../etc/passwd", "/etc/passwd", "/dev/null", "..\\..\\windows\\win.ini", "file:///dev/null",
    "http://127.0.0.1:1/keys", "//127.0.0.1/keys", "r\0", "r ", " r", "R", "r\n", "", "$(id)", "`id`", "|id",
    "${jndi:x}", *SQL[:6], "a" * 4_000, "\ud800", 0, 1e308, None, True, [], ["r"], {}, {"kid": "r"},
]  # fmt: skip


@pytest.mark.parametrize("kid", KIDS, ids=lambda kid: ascii(kid)[:30])
def test_a_name_of_a_key_that_wants_to_be_more(kid: Any, door: httpx.Client, claims: Claims) -> None:
    """No path, query, command or address: signed with an empty key, with that of /dev/null, and by a stranger."""
    refused(door, by_hand({"alg": "HS256", "typ": "JWT", "kid": kid}, claims()))
    if isinstance(kid, str):
        refused(door, jwt.encode(claims(), STRANGER, "RS256", {"kid": kid}))


def test_a_token_that_brings_its_own_key(door: httpx.Client, issuer: Issuer, claims: Claims) -> None:
    """Keys and addresses of keys in the header are not looked at: nobody is asked there, also not by the way."""
    own = RSAAlgorithm.to_jwk(STRANGER.public_key(), as_dict=True)
    with running_issuer() as elsewhere:
        elsewhere.rsa = STRANGER
        for name, value in {
            "jwk": own | {"kid": "r"}, "jku": elsewhere.url, "x5u": elsewhere.url, "x5c": ["MIIB"], "x5t": "AAAA",
            "jwks": {"keys": [own]}, "iss": elsewhere.url,
        }.items():  # fmt: skip
            for kid in ("r", "mine"):
                refused(door, jwt.encode(claims(), STRANGER, "RS256", {"kid": kid, name: value}))
        assert elsewhere.asked == 0
    assert issuer.asked <= 2


HEADERS = {
    "arrays nested deeply": b"[" * 4_000, "objects nested deeply": b'{"a":' * 900, "null": b"null",
    "text": b'"RS256"', "a number of 5,000 digits": b"9" * 5_000, "NaN": b'{"alg":NaN}',
    "1e999": b'{"alg":"RS256","kid":1e999}',
    "alg twice": b'{"alg":"RS256","alg":"none","kid":"r"}', "UTF-16": '{"alg":"RS256"}'.encode("utf-16"),
    "no UTF-8": b'{"alg":"\xff"}', "unencoded": b'{"alg":"RS256","kid":"r","b64":false,"crit":["b64"]}',
    "critical": b'{"alg":"RS256","kid":"r","crit":["exp"]}', "zipped": b'{"alg":"RS256","kid":"r","zip":"DEF"}',
    "encrypted": b'{"alg":"RSA-OAEP","enc":"A256GCM","kid":"r"}',
}  # fmt: skip


@pytest.mark.parametrize("header", HEADERS.values(), ids=list(HEADERS))
def test_a_header_that_is_a_bomb_or_a_riddle(header: bytes, door: httpx.Client, claims: Claims) -> None:
    """Never an error of ours: who has no token must not be able to raise an alarm."""
    for body in (claims(), b"[" * 2_000, b""):
        refused(door, by_hand(header, body))


def test_a_token_of_a_size_that_no_token_has(door: httpx.Client, claims: Claims) -> None:
    """What the gateway lets through is refused for what it is, signed or not; more than 10,240 bytes it does not."""
    signed = jwt.encode(claims(more="x" * 5_000), STRANGER, "RS256", {"kid": "r"})
    for token in (signed, "a" * 9_000, "." * 9_000):
        refused(door, token)
        assert ask(door, token * 8).status_code == 431


@pytest.mark.parametrize("header", [b"", b"Bearer", b"Basic ZXZlOmV2ZQ==", b"Bearer \xff\xfe", b"Token x"])
def test_what_is_no_bearer_token(header: bytes, door: httpx.Client) -> None:
    """Whatever stands in the header."""
    answer = door.get("/settings", headers={b"authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_a_token_anywhere_else_than_in_its_header(door: httpx.Client, issuer: Issuer, claims: Claims) -> None:
    """In the query, a cookie or the body it would be logged, sent along by browsers, or kept."""
    good = jwt.encode(claims(), issuer.rsa, "RS256", {"kid": "r"})
    for name in ("access_token", "token", "authorization"):
        assert door.get("/settings", params={name: good}).status_code == 401
        assert door.get("/settings", headers={"cookie": f"{name}={good}"}).status_code == 401
        assert door.post("/mark", json={name: good}).status_code == 401


def test_every_operation_with_a_forged_token_and_nothing_stays_behind(
    door: httpx.Client, container: Container, claims: Claims, caplog: pytest.LogCaptureFixture
) -> None:
    """401 on each but the public ones; no job, no ticket, and no word of the token in the log."""
    forged = jwt.encode(claims(), STRANGER, "RS256", {"kid": "r"})
    body = {"date": str(TODAY), "section_id": new_id(), "records": [{"student_id": new_id(), "status": "LATE"}]}
    client: Any = container.redis
    kept = sorted(client.keys())
    with caplog.at_level(logging.DEBUG):
        for one in operations():
            path = one.path.removeprefix(BASE).replace("{", "").replace("}", "")
            sent: Mapping[str, Any] = {"json": body} if one.body else {}
            answer = door.request(one.method, path, headers={"authorization": f"Bearer {forged}"}, **sent)
            assert answer.status_code == (401 if one.roles is not None else 200), one.path
    assert sorted(client.keys()) == kept
    assert not any(part in caplog.text for part in forged.split("."))


def test_a_key_that_the_issuer_withdrew_is_refused_once_its_set_is_read_again(
    door: httpx.Client, issuer: Issuer, claims: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute for tokens that were checked, an hour for the set; here both have passed. The new key is believed."""
    old = issuer.rsa
    token = jwt.encode(claims(), old, "RS256", {"kid": "r"})
    assert ask(door, token).status_code == 200
    monkeypatch.setattr(issuer, "rsa", rsa.generate_private_key(65_537, 2048))
    believed, later = app.authenticator(), time.time() + 61
    monkeypatch.setattr(believed, "_now", lambda: later)
    monkeypatch.setattr(believed._jwks.jwk_set_cache, "lifespan", 0)
    refused(door, token)
    assert ask(door, jwt.encode(claims(), issuer.rsa, "RS256", {"kid": "r"})).status_code == 200
