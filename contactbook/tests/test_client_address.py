"""The address that a request is counted by, out of what the peer, the proxies and the client claim."""

import pytest
from django.test import RequestFactory

from contactbook.http.client_address import client_address
from contactbook.tests.hostile import exchange, request
from contactbook.tests.live import serving

LIMIT = 3


@pytest.fixture(scope="module", params=[0, 1, 2])
def proxies(request):
    return request.param


@pytest.fixture(scope="module")
def server(tmp_path_factory, proxies):
    variables = {"TRUSTED_PROXIES": str(proxies), "RATE_LIMITS": f"*=0,request_email={LIMIT}/h"}
    with serving(tmp_path_factory.mktemp("server") / "var", processes=1, **variables) as running:
        yield running


def ask(server, *headers):
    """The status of a limited request with these headers; the rest of it is no address, and so quick to refuse."""
    raw = request(b"POST /api/auth/request_email", b"Content-Type: application/json", *headers, body=b"{}")
    answer = exchange(server, raw)
    return answer.status if answer else None


def forwarded(*addresses):
    return b"X-Forwarded-For: " + b", ".join(address.encode() for address in addresses)


def behind(client, proxies):
    """What our proxies make of a client's address: the last one is not in the header, it is the peer."""
    return [client, *(f"10.0.0.{n}" for n in range(1, proxies))]


@pytest.mark.postgresql
def test_clients_are_counted_apart_only_as_far_as_proxies_are_trusted(server, proxies):
    statuses = [ask(server, forwarded(*behind(f"203.0.113.{n}", proxies or 1))) for n in range(LIMIT + 2)]
    assert statuses == ([422] * (LIMIT + 2) if proxies else [422] * LIMIT + [429] * 2)


@pytest.mark.postgresql
@pytest.mark.parametrize("kind", ["made up", "of another spelling", "twice", "with an underscore", "long"])
def test_a_client_does_not_choose_its_address(server, proxies, kind):
    client = f"198.51.100.{['made up', 'of another spelling', 'twice', 'with an underscore', 'long'].index(kind)}"
    statuses = []
    for n in range(LIMIT + 2):
        claimed, right = f"203.0.{n}.7", behind(client, proxies or 1)
        statuses.append(
            {
                "made up": lambda claimed=claimed, right=right: ask(server, forwarded(claimed, "1.2.3.4", *right)),
                "of another spelling": lambda n=n, right=right: ask(
                    server,
                    forwarded(
                        ["", "::ffff:", "", "::FFFF:", ""][n] + right[0] + ["", "", ":80", "", " "][n], *right[1:]
                    ),
                ),
                "twice": lambda claimed=claimed, right=right: ask(server, forwarded(claimed), forwarded(*right)),
                "with an underscore": lambda claimed=claimed, right=right: ask(
                    server, forwarded(*right), b"X_Forwarded_For: " + claimed.encode()
                ),
                "long": lambda claimed=claimed, right=right: ask(server, forwarded(*[claimed] * 400, *right)),
            }[kind]()
        )
    assert statuses[LIMIT:] == [429, 429]
    assert not proxies or statuses[:LIMIT] == [422] * LIMIT


JUNK = [
    b"", b" ", b",", b",,,,", b"unknown", b"_hidden", b"\xff\xfe", b"[", b"]:", b"::::", b"1.2.3.4.5", b"300.1.1.1",
    b"1.2.3.4:x", b"%eth0", b"fe80::1%eth0", b"0x7f.1", b"127.1", b"localhost", b"'; DROP TABLE x; --", b"1" * 7000,
    b"for=1.2.3.4", b"0.0.0.0", b"255.255.255.255", b"::", b"\t",
]  # fmt: skip


@pytest.mark.postgresql
def test_a_malformed_address_is_no_5xx(server):
    for junk in JUNK:
        for header in (b"X-Forwarded-For: ", b"X-Real-IP: ", b"Forwarded: ", b"X-Forwarded-Proto: "):
            assert ask(server, header + junk) in (400, 422, 429)
            answer = exchange(server, request(b"GET /", header + junk))
            assert answer.status in (200, 400)


# The function


@pytest.fixture
def asked(settings):
    def ask(proxies, peer, *forwarded):
        settings.TRUSTED_PROXIES = proxies
        headers = {"HTTP_X_FORWARDED_FOR": ",".join(forwarded)} if forwarded else {}
        return client_address(RequestFactory().get("/", REMOTE_ADDR=peer, **headers))

    return ask


@pytest.mark.one_stack
@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "who"),
    [
        (0, "192.0.2.1", [], "192.0.2.1"),
        (0, "192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        (1, "192.0.2.1", ["203.0.113.9"], "203.0.113.9"),
        (1, "192.0.2.1", ["198.51.100.66", "203.0.113.9"], "203.0.113.9"),
        (1, "192.0.2.1", ["198.51.100.66, 10.0.0.1", " 203.0.113.9 "], "203.0.113.9"),
        (2, "192.0.2.1", ["198.51.100.66", "203.0.113.9", "10.0.0.2"], "203.0.113.9"),
        (2, "192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        (1, "192.0.2.1", [], "192.0.2.1"),
        (1, "192.0.2.1", [""], "192.0.2.1"),
        (1, "192.0.2.1", ["unknown"], "192.0.2.1"),
        (1, "192.0.2.1", ["\x00'; DROP TABLE"], "192.0.2.1"),
        (1, "192.0.2.1", ["1" * 10_000], "192.0.2.1"),
        (1, "192.0.2.1", ["203.0.113.9:4711"], "203.0.113.9"),
        (1, "192.0.2.1", ["[2001:db8:1:2:3:4:5:6]:4711"], "2001:db8:1:2::"),
        (1, "192.0.2.1", ["[2001:db8:1:2:3:4:5:6]"], "2001:db8:1:2::"),
        (1, "192.0.2.1", ["[]:80"], "192.0.2.1"),
        (1, "192.0.2.1", [":"], "192.0.2.1"),
        (0, "::ffff:192.0.2.7", [], "192.0.2.7"),
        (0, "2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::"),
        (0, "2001:db8:1:2:ffff::1", [], "2001:db8:1:2::"),
        (0, "2001:db8:1:3::1", [], "2001:db8:1:3::"),
        (0, "fe80::1%eth0", [], "fe80::"),
        (0, "", [], "unknown"),
        (1, "", ["nonsense"], "unknown"),
        (1, "", ["203.0.113.9"], "203.0.113.9"),
    ],
)
def test_the_address_that_is_counted(asked, proxies, peer, forwarded, who):
    assert asked(proxies, peer, *forwarded) == who


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "forwarded", ["", ",,,", "\xff\xfe", "::::", "1.2.3.4.5", "300.1.1.1", "[", "]", "%", "1.2.3.4:x"]
)
@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_a_malformed_address_is_no_5xx_in_a_view(as_nobody, settings, proxies, forwarded):
    settings.TRUSTED_PROXIES = proxies
    for peer in ("192.0.2.1", "", "nonsense"):
        headers = {"HTTP_X_FORWARDED_FOR": forwarded, "REMOTE_ADDR": peer}
        assert as_nobody.get("/api/contacts", **headers).status_code == 401
        assert as_nobody.get("/", **headers).status_code == 200
