"""ETags of reads: no two accounts share one, so no HTTP cache shows one account another's contact."""

import pytest

from contacts.tests.cast import add, names

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
READS = ["/api/contacts/mom", "/api/contacts", "/api/contacts?q=mom", "/api/contacts/bd"]


@pytest.mark.parametrize("url", READS)
def test_two_accounts_reads_never_share_an_etag(as_alice, as_bob, url):
    """The two books are alike, and so are the numbers of their changes."""
    for client in (as_alice, as_bob):
        add(client, "Mom")
    answers = [client.get(url) for client in (as_alice, as_bob)]
    assert answers[0]["ETag"] != answers[1]["ETag"]
    stored = as_bob.get(url, headers={"if-none-match": answers[0]["ETag"]})
    assert stored.status_code == 200 and stored.content == answers[1].content


class PrivateCache:
    """An HTTP cache of one client, which stores by URL and asks with the stored ETag (RFC 9111 §4.3)."""

    def __init__(self):
        self.stored = {}  # by URL: ETag and content

    def get(self, client, url):
        headers = {"if-none-match": self.stored[url][0]} if url in self.stored else {}
        answer = client.get(url, headers=headers)
        if answer.status_code != 304:
            self.stored[url] = answer["ETag"], answer.content
        return self.stored[url][1]


def test_a_cache_that_ignores_vary_shows_each_account_its_own_contact(as_alice, as_bob):
    add(as_alice, "Mom", additional="a secret")
    add(as_bob, "Mom")
    cache = PrivateCache()
    for url in READS:
        for client in (as_alice, as_bob, as_bob, as_alice, as_alice):
            assert cache.get(client, url) == client.get(url).content
    assert b"secret" not in cache.get(as_bob, READS[0])


@pytest.mark.parametrize("url", READS)
def test_a_state_that_comes_back_is_not_taken_for_the_older_one(as_alice, url):
    """Every write changes the ETag of a list, which is made of the book's version and the query."""
    contact = add(as_alice, "Mom", birthday="1980-01-01")
    etags = [as_alice.get(url)["ETag"]]
    for name in ("Momo", "Mom"):
        as_alice.patch(f"/api/contacts/{contact['id']}", {"fullname": name}, format="json")
        etags.append(as_alice.get(url)["ETag"])
    assert len(set(etags)) == 3
    assert as_alice.get(url, headers={"if-none-match": etags[2]}).status_code == 304


def test_two_queries_never_share_an_etag(as_alice):
    add(as_alice, "Mom")
    urls = ["", "?limit=5", "?limit=5&skip=0", "?order=created", "?q=m", "?q=M&fields=card", "/bd", "/bd?days_range=8"]
    assert names(as_alice.get("/api/contacts")) == ["Mom"]
    assert len({as_alice.get(f"/api/contacts{url}")["ETag"] for url in urls}) == len(urls)


@pytest.mark.parametrize("url", ["/api/contacts/?limit=1", "/api/contacts/bd?days_range=366&across_year=true&limit=1"])
def test_a_link_repeats_only_parameters_of_the_route(as_alice, url):
    """The response is cached under the parameters of the route, so it must not show another request's other ones."""
    for name in ("Ann", "Bea"):
        add(as_alice, name, birthday="1990-05-05")
    first, second = as_alice.get(f"{url}&secret=1"), as_alice.get(f"{url}&other=2")
    assert 'rel="next"' in first["Link"] and "secret" not in first["Link"]
    assert second["Link"] == first["Link"]
