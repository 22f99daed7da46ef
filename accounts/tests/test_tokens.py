"""Tokens: each kind is accepted in its own place alone, and a forged one nowhere."""

import base64
import json
import time
from urllib.parse import quote

import jwt
import pytest
from django.conf import settings

from accounts import tokens
from accounts.tests.cast import bearer, pair_of

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

PLACES = {
    "access": lambda client, token: client.get("/api/contacts/", **bearer(token)),
    "refresh": lambda client, token: client.get("/api/auth/refresh_token", **bearer(token)),
    "confirm": lambda client, token: client.get(f"/api/email/confirm/{token}"),
    "reset": lambda client, token: client.get(f"/reset/{token}"),
}
REFUSALS = {"access": 401, "refresh": 401, "confirm": 422, "reset": 422}
KEY = tokens.signing_key(settings.SECRET_KEY)


@pytest.fixture
def every_kind(alice):
    pair = pair_of(alice)
    return {
        "access": pair["access_token"],
        "refresh": pair["refresh_token"],
        "confirm": str(tokens.ConfirmToken.of(alice)),
        "reset": str(tokens.ResetToken.of(alice)),
    }


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def refused_everywhere(client, token):
    statuses = {place: use(client, token).status_code for place, use in PLACES.items()}
    return statuses == REFUSALS


def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_header(token, header):
    return part(header) + token[token.index(".") :]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", PLACES)
def test_each_kind_of_token_is_accepted_in_one_place_alone(as_nobody, every_kind, kind, place):
    answer = PLACES[place](as_nobody, every_kind[kind])
    assert answer.status_code == (200 if kind == place else REFUSALS[place])


@pytest.mark.parametrize("kind", PLACES)
def test_a_token_with_an_unknown_type_is_refused(as_nobody, every_kind, kind):
    forged = {**claims_of(every_kind[kind]), "token_type": "other"}
    assert refused_everywhere(as_nobody, jwt.encode(forged, KEY, "HS256"))


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("missing", ["token_type", "sub", "exp", "jti"])
def test_a_token_without_a_claim_is_refused(as_nobody, every_kind, kind, missing):
    claims = claims_of(every_kind[kind])
    del claims[missing]
    assert refused_everywhere(as_nobody, jwt.encode(claims, KEY, "HS256"))


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize(("claim", "odd"), [("sub", "x"), ("sub", None), ("exp", 1), ("exp", "x")])
def test_a_token_with_an_invalid_claim_is_refused(as_nobody, every_kind, kind, claim, odd):
    claims = claims_of(every_kind[kind]) | {claim: odd}
    assert refused_everywhere(as_nobody, jwt.encode(claims, KEY, "HS256"))


@pytest.mark.parametrize(
    ("kind", "claim", "odd"),
    [
        ("access", "v", "x"),
        ("access", "sid", []),
        ("refresh", "v", None),
        ("refresh", "sid", {}),
        ("refresh", "gen", "1e5"),
        ("refresh", "gen", -1),
        ("reset", "v", "x"),
        ("reset", "address", 5),
        ("confirm", "address", None),
    ],
)
def test_a_token_with_an_invalid_claim_of_its_kind_is_refused(as_nobody, every_kind, kind, claim, odd):
    claims = claims_of(every_kind[kind]) | {claim: odd}
    assert refused_everywhere(as_nobody, jwt.encode(claims, KEY, "HS256"))


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("algorithm", ["HS384", "HS512", "none"])
def test_other_algorithms_are_refused(as_nobody, every_kind, kind, algorithm):
    forged = jwt.encode(claims_of(every_kind[kind]), None if algorithm == "none" else KEY * 2, algorithm)
    assert refused_everywhere(as_nobody, forged)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "None", "nOnE", "", None, 5, ["HS256"]])
def test_a_header_that_names_another_algorithm_is_refused(as_nobody, every_kind, algorithm):
    header = json.dumps({"alg": algorithm, "typ": "JWT"}).encode()
    for token in every_kind.values():
        assert refused_everywhere(as_nobody, with_header(token, header))
        assert refused_everywhere(as_nobody, with_header(token, header).rpartition(".")[0] + ".")


@pytest.mark.parametrize(
    "key",
    ["", "secret", settings.SECRET_KEY, tokens.key_id(KEY), "x" * 64],
)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_other_keys_are_refused(as_nobody, every_kind, key):
    for token in every_kind.values():
        for kid in (None, tokens.key_id(KEY), "unknown"):
            forged = jwt.encode(claims_of(token), key or "\0", "HS256", headers={"kid": kid} if kid else None)
            assert refused_everywhere(as_nobody, forged)


@pytest.mark.parametrize(
    "extra",
    [
        {"kid": "../../dev/null"},
        {"kid": ""},
        {"kid": ["x"]},
        {"kid": {}},
        {"kid": 5},
        {"kid": None},
        {"jku": "http://127.0.0.1/keys"},
        {"jwk": {"kty": "oct", "k": "AA"}},
        {"x5u": "http://127.0.0.1/"},
        {"crit": ["x"], "x": 1},
        {"b64": False},
    ],
)
def test_a_changed_header_is_refused(as_nobody, every_kind, extra):
    header = json.dumps({"alg": "HS256", "typ": "JWT", **extra}).encode()
    for token in every_kind.values():
        assert refused_everywhere(as_nobody, with_header(token, header))


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "...",
        "a.b.c",
        "\xff",
        "💥",
        f"{part(b'[' * 3000)}.e30.x",
        f"{part(b'5')}.e30.x",
        "=" * 100,
        "a" * 5000,
    ],
)
def test_text_that_is_no_token_is_refused(as_nobody, token):
    for place in ("confirm", "reset"):
        assert PLACES[place](as_nobody, quote(token)).status_code == 422
    for place in ("access", "refresh") if token.isascii() else ():
        assert PLACES[place](as_nobody, token).status_code == 401


def test_the_signature_covers_every_part(as_nobody, every_kind):
    for token in every_kind.values():
        header, payload, signature = token.split(".")
        claims = {**claims_of(token), "exp": int(time.time()) + 10**6}
        assert refused_everywhere(as_nobody, f"{header}.{part(json.dumps(claims).encode())}.{signature}")
        assert refused_everywhere(as_nobody, f"{header}.{payload}.{signature[::-1]}")
        assert refused_everywhere(as_nobody, f"{header}.{payload}.")
