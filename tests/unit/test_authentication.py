"""Whose tokens are believed: those of the issuer's keys, in their time, for this service, and no others."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from chalicelib.api.authentication import Authenticator
from chalicelib.config import TokenSettings
from chalicelib.domain.attendance import Role
from chalicelib.errors import Forbidden, RollcallError, Unauthenticated, Unavailable
from tests.issuer import Issuer, running_issuer
from tests.issuer import by_hand as issuer_by_hand

TENANT = "0b9f6c1e-58a1-5b0f-9d0b-0d3c5a4f7e21"
KEY = "a shared key of a laptop, long enough"
LAPTOP = TokenSettings("local", "rollcall", None, KEY)
NOT_ANNOUNCED = rsa.generate_private_key(65_537, 2048)


def claims(**parts: Any) -> dict[str, Any]:
    """The claims of a good token; a part that is None is left out."""
    usual: dict[str, Any] = {
        "iss": "local", "aud": "rollcall", "sub": "ann", "tenant_id": TENANT, "roles": ["teacher"],
        "exp": int(time.time()) + 600,
    }  # fmt: skip
    return {name: value for name, value in (usual | parts).items() if value is not None}


def bearer(key: Any = KEY, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **parts: Any) -> str:
    """The Authorization header of a token."""
    return "Bearer " + jwt.encode(claims(**parts), key, algorithm, headers=headers)


def by_hand(header: dict[str, Any], key: bytes, **parts: Any) -> str:
    """The Authorization header of a token whose header says anything at all."""
    return "Bearer " + issuer_by_hand(header, claims(**parts), key)


def refused(authenticator: Authenticator, header: str | None) -> str:
    """The detail of the 401 that `header` gets; it always names the scheme to use."""
    with pytest.raises(Unauthenticated) as error:
        authenticator.identify(header)
    assert error.value.headers["WWW-Authenticate"].startswith("Bearer")
    return error.value.detail


@pytest.fixture
def laptop() -> Authenticator:
    """Believes tokens of the shared key."""
    return Authenticator(LAPTOP)


def test_a_good_token_tells_who_sends_the_request(laptop: Authenticator) -> None:
    """Subject, tenant and roles come from the token and from nowhere else."""
    actor = laptop.identify(bearer(roles=["teacher", "office"]))
    assert (actor.subject, actor.tenant, set(actor.roles)) == ("ann", TENANT, {Role.TEACHER, Role.OFFICE})
    assert actor.role is Role.OFFICE
    assert laptop.identify(bearer().replace("Bearer", "bearer")).subject == "ann"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YW5uOnNlY3JldA==", "nonsense", "Bearer\t"])
def test_without_a_bearer_token_nobody_is_known(laptop: Authenticator, header: str | None) -> None:
    """401, with the scheme that would be believed."""
    assert refused(laptop, header)


@pytest.mark.parametrize(
    "token", ["x", "a.b", "a.b.c", "..", "é.é.é", "a" * 10_000, "e30.e30.e30", "\x00", "bnVsbA.e30."]
)
def test_what_is_no_token_is_refused(laptop: Authenticator, token: str) -> None:
    """Whatever stands there."""
    assert refused(laptop, f"Bearer {token}") == "The token is not valid here."


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
def test_an_unsigned_token_is_refused(laptop: Authenticator, name: str) -> None:
    """With a signature or without one, however `none` is spelt."""
    signed = by_hand({"alg": name, "typ": "JWT"}, KEY.encode())
    assert refused(laptop, signed) == "The token is not valid here."
    assert refused(laptop, signed.rpartition(".")[0] + ".") == "The token is not valid here."


def test_another_key_is_refused(laptop: Authenticator) -> None:
    """Also one that differs in its last character only."""
    assert refused(laptop, bearer(KEY[:-1] + "X")) == "The token is not valid here."


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_of_the_right_key_is_refused(laptop: Authenticator, algorithm: str) -> None:
    """The token does not choose."""
    key = KEY * 2
    assert refused(Authenticator(replace(LAPTOP, local_key=key)), bearer(key, algorithm))


def test_claims_that_were_altered_are_refused(laptop: Authenticator) -> None:
    """Another role, the signature of the first."""
    teacher, admin = bearer().split("."), bearer(roles=["admin"]).split(".")
    assert refused(laptop, ".".join([teacher[0], admin[1], teacher[2]])) == "The token is not valid here."


def test_an_expired_token_is_refused_and_says_so(laptop: Authenticator) -> None:
    """Clocks may differ by half a minute."""
    assert refused(laptop, bearer(exp=int(time.time()) - 60)) == "The token has expired."
    assert laptop.identify(bearer(exp=int(time.time()) - 5)).subject == "ann"


def test_a_token_from_the_future_is_refused(laptop: Authenticator) -> None:
    """Neither before its time nor issued tomorrow."""
    tomorrow = int(time.time()) + 86_400
    assert refused(laptop, bearer(nbf=tomorrow, exp=tomorrow + 60))
    assert refused(laptop, bearer(iat=tomorrow, exp=tomorrow + 60))


@pytest.mark.parametrize("part", [{"aud": "payroll"}, {"aud": ["payroll"]}, {"iss": "https://elsewhere.example/"}])
def test_a_token_for_or_from_somebody_else_is_refused(laptop: Authenticator, part: dict[str, Any]) -> None:
    """A token that another service got cannot be used here."""
    assert refused(laptop, bearer(**part)) == "The token is not valid here."


@pytest.mark.parametrize("name", ["exp", "iss", "aud", "sub", "tenant_id"])
def test_a_token_without_a_claim_that_counts_is_refused(laptop: Authenticator, name: str) -> None:
    """One that never ends, for instance."""
    without: dict[str, Any] = {name: None}
    assert refused(laptop, bearer(**without))


@pytest.mark.parametrize(
    "tenant", ["", "demo", "*", f"{TENANT},{TENANT}", TENANT.upper(), f"{TENANT}\n", 7, [TENANT], {"id": TENANT}]
)
def test_a_tenant_that_is_no_uuid_is_refused(laptop: Authenticator, tenant: Any) -> None:
    """It opens row-level security: nothing but one UUID may come through."""
    assert refused(laptop, bearer(tenant_id=tenant)) == "The token names no tenant."


@pytest.mark.parametrize(
    "roles", [None, [], ["principal"], ["ADMIN"], ["Admin "], "admin", {"admin": True}, [1], [None]]
)
def test_a_token_without_a_known_role_may_do_nothing(laptop: Authenticator, roles: Any) -> None:
    """403: it is known who asks, and that there is nothing for them here."""
    with pytest.raises(Forbidden):
        laptop.identify(bearer(roles=roles))


@pytest.mark.parametrize(
    "subject", ["ann\nERROR forged", "ann\r", "\x1b[2Jann", "ann\x85", "ann\u2028", "\t", "a\0", ""]
)
def test_a_subject_that_would_break_a_line_is_refused(laptop: Authenticator, subject: str) -> None:
    """It goes into logs and lists as it is."""
    assert refused(laptop, bearer(sub=subject)) == "The token's subject is not a name that can be kept."


@pytest.mark.parametrize("part", [{"iss": []}, {"iss": {}}, {"exp": []}, {"nbf": {}}, {"aud": [1]}, {"sub": ["ann"]}])
def test_claims_of_the_wrong_kind_are_refused(laptop: Authenticator, part: dict[str, Any]) -> None:
    """Though the issuer signed them: never an error of ours."""
    token = jwt.api_jws.encode(json.dumps(claims() | part).encode(), KEY, "HS256")
    assert refused(laptop, f"Bearer {token}") == "The token is not valid here."


def test_a_token_may_be_good_for_ever(laptop: Authenticator) -> None:
    """An `exp` that is larger than a float is a number all the same."""
    assert laptop.identify(bearer(exp=10**400)).subject == "ann"


def test_unknown_roles_beside_a_known_one_give_nothing(laptop: Authenticator) -> None:
    """They are left out, not guessed."""
    assert laptop.identify(bearer(roles=["principal", "teacher", "superuser"])).roles == {Role.TEACHER}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """A running identity provider."""
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def prod(issuer: Issuer) -> Authenticator:
    """Believes tokens of the issuer's keys."""
    return Authenticator(TokenSettings("local", "rollcall", issuer.url, None))


def test_tokens_of_the_issuers_keys_are_believed(prod: Authenticator, issuer: Issuer) -> None:
    """RSA and elliptic curves; the keys are fetched once."""
    assert prod.identify(bearer(issuer.rsa, "RS256", {"kid": "r"})).subject == "ann"
    assert prod.identify(bearer(issuer.ec, "ES256", {"kid": "e"})).subject == "ann"
    assert issuer.asked == 1


def test_a_key_that_the_issuer_does_not_publish_is_refused(prod: Authenticator) -> None:
    """Under a published name, under an unknown one, and under none."""
    for headers in ({"kid": "r"}, {"kid": "mine"}, None):
        assert refused(prod, bearer(NOT_ANNOUNCED, "RS256", headers)) == "The token is not valid here."


def test_a_public_key_is_no_shared_secret(prod: Authenticator, issuer: Issuer) -> None:
    """HS256 with the published RSA key as its secret: the classic forgery."""
    public = issuer.rsa.public_key()
    for secret in (
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        b"",
    ):
        forged = by_hand({"alg": "HS256", "typ": "JWT", "kid": "r"}, secret, roles=["admin"])
        assert refused(prod, forged) == "The token is not valid here."


def test_an_algorithm_that_is_not_the_keys_is_refused(prod: Authenticator, issuer: Issuer) -> None:
    """An RSA key is not used as an elliptic curve, nor the other way round."""
    assert refused(prod, bearer(issuer.ec, "ES256", {"kid": "r"})) == "The token is not valid here."
    assert refused(prod, bearer(issuer.rsa, "RS256", {"kid": "e"})) == "The token is not valid here."


@pytest.mark.parametrize(
    "kid",
    ["../../../../dev/null", "/dev/null", "r' or '1'='1", "r\0", "", "http://127.0.0.1/keys", "a" * 10_000, 7, ["r"]],
)
def test_a_kid_is_a_name_and_nothing_else(prod: Authenticator, kid: Any) -> None:
    """No path, no query, no address: a name that the issuer does not publish is refused."""
    forged = by_hand({"alg": "HS256", "typ": "JWT", "kid": kid}, b"")
    assert refused(prod, forged) == "The token is not valid here."


def test_a_token_cannot_bring_its_own_key(prod: Authenticator, issuer: Issuer) -> None:
    """`jwk`, `jku` and `x5u` in the header are not looked at."""
    own = RSAAlgorithm.to_jwk(NOT_ANNOUNCED.public_key(), as_dict=True)
    headers = {"kid": "r", "jwk": own, "jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/cert"}
    assert refused(prod, bearer(NOT_ANNOUNCED, "RS256", headers)) == "The token is not valid here."
    assert issuer.asked == 1


def test_strangers_cannot_make_the_service_besiege_its_issuer(prod: Authenticator, issuer: Issuer) -> None:
    """Twenty unknown names are not twenty requests."""
    for n in range(20):
        assert refused(prod, bearer(NOT_ANNOUNCED, "RS256", {"kid": f"k{n}"}))
    assert issuer.asked <= 2


def test_a_key_that_was_withdrawn_is_forgotten_with_the_key_set(prod: Authenticator, issuer: Issuer) -> None:
    """A stolen key must not be believed for as long as the process lives."""
    header = bearer(issuer.rsa, "RS256", {"kid": "r"})
    now = time.time()
    prod = Authenticator(prod._settings, lambda: now)
    assert prod.identify(header).subject == "ann"
    issuer.rsa = rsa.generate_private_key(65_537, 2048)
    key_set = prod._jwks.jwk_set_cache
    assert key_set is not None
    assert key_set.lifespan <= 3600
    key_set.put(json.loads(issuer.keys()))  # what an expired lifespan leads to
    now += 61  # for a minute, a token that was checked is believed
    assert refused(prod, header) == "The token is not valid here."


def test_a_token_is_not_believed_beyond_its_end(laptop: Authenticator) -> None:
    """Also if it was checked a moment ago."""
    now = time.time()
    laptop = Authenticator(laptop._settings, lambda: now)
    header = bearer(exp=int(now) - 20)  # within the half minute by which clocks may differ
    assert laptop.identify(header).subject == "ann"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jwt, "decode", _nobody)
        with pytest.raises(AssertionError, match="asked"):
            laptop.identify(header)
    lasting = bearer()
    assert laptop.identify(lasting) is laptop.identify(lasting)


def _nobody(*_: object, **__: object) -> None:
    raise AssertionError("asked")


def test_only_so_many_tokens_are_remembered(laptop: Authenticator) -> None:
    """A flood of good tokens does not fill the memory."""
    for n in range(1_200):
        laptop.identify(bearer(sub=f"ann-{n}"))
    assert len(laptop._known) <= 500


@pytest.mark.parametrize(
    ("status", "answer"),
    [(500, b""), (404, b"{}"), (302, b""), (200, b"<html>"), (200, b"[]"), (200, b"\xff"), (200, b'{"keys": []}')],
)
def test_an_issuer_that_answers_nonsense_is_an_outage(
    prod: Authenticator, issuer: Issuer, status: int, answer: bytes
) -> None:
    """503 with Retry-After: the token may be good, and its bearer need not sign in again."""
    issuer.status, issuer.answer = status, answer
    with pytest.raises(Unavailable) as away:
        prod.identify(bearer(issuer.rsa, "RS256", {"kid": "r"}))
    assert away.value.headers["Retry-After"]


def test_an_issuer_that_is_away_is_an_outage(issuer: Issuer) -> None:
    """Nobody listens there."""
    prod = Authenticator(TokenSettings("local", "rollcall", "http://127.0.0.1:1/keys", None))
    with pytest.raises(Unavailable):
        prod.identify(bearer(issuer.rsa, "RS256", {"kid": "r"}))


def test_keys_that_are_known_outlive_an_outage_of_the_issuer(prod: Authenticator, issuer: Issuer) -> None:
    """Who has signed in goes on working."""
    header = bearer(issuer.rsa, "RS256", {"kid": "r"})
    prod.identify(header)
    issuer.status = 500
    assert prod.identify(header).subject == "ann"


def test_a_refusal_says_nothing_of_the_token(laptop: Authenticator) -> None:
    """Which check failed is the attacker's question, and a token in a log is a key in a log."""
    header = bearer("another key that is long enough too")
    with pytest.raises(RollcallError) as error:
        laptop.identify(header)
    assert header.split(".")[1] not in repr(error.value)
    assert "signature" not in error.value.detail.lower()
