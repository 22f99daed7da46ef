"""The report sync-collection: tokens, removed names, limits, and a follower who misses nothing"""

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import client_of
from contacts.models import Book, Change, Contact
from contacts.tests.cast import add
from contacts.tests.dav import C, D, Dav, precondition, responses, token_of, vcard

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


@pytest.fixture
def phone(alice):
    return Dav(alice)


class Follower:
    """A client's copy of the book: {name: etag}, kept by sync-collection."""

    def __init__(self, dav, limit=None):
        self.dav, self.limit = dav, limit
        self.token, self.copy = "", {}

    def follow(self):
        """One sync, of several requests where the answers are limited."""
        more = True
        while more:
            more = self.step()
        return self.copy

    def step(self):
        answer = self.dav.sync(self.token, limit=self.limit)
        found = responses(answer)
        more = found.pop(self.dav.book, {}).get("status") == "507"
        assert self.limit is None or len(found) <= max(self.limit, 2)
        assert self.token or all("status" not in props for props in found.values())
        for href, props in found.items():
            name = self.dav.name(href)
            if props.get("status") == "404":
                self.copy.pop(name, None)
            else:
                self.copy[name] = props[f"{D}getetag"]
        self.token = token_of(answer)
        return more


def test_a_first_sync_lists_all_and_the_next_only_what_changed(phone, as_alice):
    for name in "abc":
        phone.put(f"{name}.vcf", vcard(name, name))
    follower = Follower(phone)
    assert follower.follow() == phone.etags() and len(follower.copy) == 3
    assert responses(phone.sync(follower.token)) == {}
    phone.put("a.vcf", vcard("Ann", "a"))
    phone.delete("b.vcf")
    found = responses(phone.sync(follower.token))
    assert found.keys() == {phone.path("a.vcf"), phone.path("b.vcf")}
    assert found[phone.path("b.vcf")] == {"status": "404"}
    assert follower.follow() == phone.etags()


def test_a_first_sync_tells_of_nothing_removed(phone, as_alice):
    phone.put("a.vcf", vcard())
    phone.delete("a.vcf")
    as_alice.delete(f"/api/contacts/trash/{Contact.objects.get().pk}")
    phone.put("b.vcf", vcard(uid="u2"))
    assert list(responses(phone.sync())) == [phone.path("b.vcf")]


def test_address_data_is_answered_too(phone):
    phone.put("a.vcf", vcard())
    ((_, props),) = responses(phone.sync(props="<getetag/><C:address-data/><odd/>")).items()
    assert props[f"{C}address-data"] == vcard() and props[f"{D}odd"] is None
    ((_, props),) = responses(phone.sync(props='<C:address-data version="4.0" content-type="text/vcard"/>')).items()
    assert "VERSION:4.0" in props[f"{C}address-data"]


def test_a_name_that_ceased_is_404_after_a_purge_too(phone, as_alice):
    phone.put("a.vcf", vcard())
    follower = Follower(phone)
    follower.follow()
    phone.delete("a.vcf")
    as_alice.delete(f"/api/contacts/trash/{Contact.objects.get().pk}")
    assert responses(phone.sync(follower.token)) == {phone.path("a.vcf"): {"status": "404"}}


def test_a_contact_that_comes_back_under_another_name_leaves_a_404_of_the_first(phone):
    phone.put("a.vcf", vcard())
    follower = Follower(phone)
    follower.follow()
    phone.delete("a.vcf")
    phone.put("b.vcf", vcard("Bea"))
    found = responses(phone.sync(follower.token))
    assert found[phone.path("a.vcf")] == {"status": "404"} and f"{D}getetag" in found[phone.path("b.vcf")]
    phone.put("a.vcf", vcard("Cleo", "u2"))
    found = responses(phone.sync(follower.token))
    assert all("status" not in props for props in found.values()) and len(found) == 2


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_a_limit_gives_that_many_and_one_507_and_goes_on_from_the_token(phone, limit):
    for number in range(5):
        phone.put(f"{number}.vcf", vcard(f"n{number}", f"u{number}"))
    answer = phone.sync(limit=limit)
    found = responses(answer)
    assert len(found) == limit + 1 and found.pop(phone.book)["status"] == "507"
    assert f"{D}number-of-matches-within-limits" in answer.text_body.replace("<D:", "{DAV:}")
    follower = Follower(phone, limit)
    assert follower.follow() == phone.etags()
    assert len(responses(phone.sync(limit=5))) == 5, "no 507 where it just fits"


def test_a_token_stays_good_and_the_feed_of_rest_goes_with_it(phone, as_alice):
    token = token_of(phone.sync())
    add(as_alice, "Ann")
    Change.objects.update(at=timezone.now() - timezone.timedelta(days=4000))
    assert len(responses(phone.sync(token))) == 1


TOKENS = [
    "x",
    "data:,1-1",
    "data:,0-0",
    "{epoch}-9",
    "data:,{epoch}-99",
    "data:,{epoch}--1",
    "data:,{epoch}-1-1",
    "data:,{epoch}",
]


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_that_is_not_ours_is_403_and_400_for_thunderbird(phone, token):
    phone.put("a.vcf", vcard())
    token = token.format(epoch=Book.objects.get().epoch)
    for agent, status in (("Mozilla/5.0 Thunderbird/153.0", 400), ("DAVx5", 403)):
        answer = phone.sync(token, user_agent=agent)
        assert answer.status_code == status and precondition(answer) == f"{D}valid-sync-token"


def test_after_a_restore_from_a_backup_older_tokens_are_refused(phone):
    phone.put("a.vcf", vcard())
    token = token_of(phone.sync())
    Book.objects.begin_new_epoch(timezone.now())
    assert phone.sync(token).status_code == 403
    follower = Follower(phone, limit=1)
    assert follower.follow() == phone.etags() and follower.token != token


def test_an_account_without_a_book_has_a_token_that_stays_good(phone, as_alice):
    assert not Book.objects.exists()
    token = token_of(phone.sync())
    add(as_alice, "Ann")
    assert len(responses(phone.sync(token))) == 1


@pytest.mark.parametrize("nresults", ["0", "-1", "x", ""])
def test_an_invalid_limit_is_400(phone, nresults):
    assert phone.sync(limit=nresults or " ").status_code == 400


@pytest.mark.parametrize("number", [0, 200])
def test_an_idle_sync_is_one_statement_whatever_the_size_of_the_book(alice, phone, django_assert_num_queries, number):
    with Book.objects.writing(alice.pk, "test") as book:
        book.create_many([{"name": {"full": f"n{each}"}} for each in range(number)])
    token = token_of(phone.sync())
    with django_assert_num_queries(2):  # one is authentication's
        assert responses(phone.sync(token)) == {}
    with django_assert_num_queries(2):
        phone.propfind(phone.book, "<sync-token/><S:getctag/><resourcetype/>")


def test_a_large_first_sync_is_streamed_and_whole(alice, phone):
    with Book.objects.writing(alice.pk, "test") as book:
        book.create_many(
            [{"name": {"full": f"n{number}"}, "notes": {"n1": {"note": "x" * 2000}}} for number in range(1200)]
        )
    answer = phone.sync(props="<getetag/><C:address-data/>")
    assert answer.streaming and len(responses(answer)) == 1200 and token_of(answer)


# Any interleaving of writes by REST and DAV, and followers who sync now and then

NAMES, UIDS = ["a.vcf", "b.vcf", "c.vcf"], ["u1", "u2", "u3"]
STEP = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(NAMES), st.sampled_from(UIDS), st.sampled_from("XY")),
    st.tuples(st.just("delete"), st.sampled_from(NAMES)),
    st.tuples(st.just("create"), st.sampled_from("XY")),
    st.tuples(st.sampled_from(["edit", "trash", "restore", "purge", "undo"]), st.integers(0, 5)),
    st.tuples(st.just("follow"), st.integers(0, 2)),
)


class World:
    def __init__(self, user):
        self.dav, self.rest = Dav(user), client_of(user)
        self.followers = [Follower(self.dav), Follower(self.dav, limit=1), Follower(self.dav, limit=3)]
        self.seen = {}  # by `changes`: {id: etag}
        self.since = 0

    def put(self, name, uid, text):
        assert self.dav.put(name, vcard(text, uid)).status_code in (201, 204, 403)

    def delete(self, name):
        assert self.dav.delete(name).status_code in (204, 404)

    def create(self, text):
        add(self.rest, text)

    def nth(self, path, number):
        rows = self.rest.get(path).json()
        return rows[number % len(rows)]["id"] if rows else 0

    def edit(self, number):
        self.rest.patch(f"/api/contacts/{self.nth('/api/contacts', number)}", {"fullname": f"e{number}"}, format="json")

    def trash(self, number):
        self.rest.delete(f"/api/contacts/{self.nth('/api/contacts', number)}")

    def restore(self, number):
        self.rest.post(f"/api/contacts/trash/{self.nth('/api/contacts/trash', number)}/restore")

    def purge(self, number):
        self.rest.delete(f"/api/contacts/trash/{self.nth('/api/contacts/trash', number)}")

    def undo(self, number):
        sequence = Book.objects.filter(pk=self.dav.user.pk).values_list("sequence", flat=True).first() or 0
        assert self.rest.post("/api/undo", {"since": max(sequence - number, 0)}, format="json").status_code == 200

    def follow(self, number):
        self.followers[number].step()

    def read_changes(self):
        more = True
        while more:
            page = self.rest.get(f"/api/contacts/changes?since={self.since}&limit=2").json()
            for change in page["changes"]:
                if change["contact"] is None:
                    self.seen.pop(change["id"], None)
                else:
                    self.seen[change["id"]] = f'"{change["id"]}-{change["change"]}"'
            self.since, more = page["next"], page["more"]

    def check(self):
        self.read_changes()
        etags = self.dav.etags()
        assert sorted(etags.values()) == sorted(self.seen.values())
        for follower in self.followers:
            assert follower.follow() == etags


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(STEP, min_size=4, max_size=16))
def test_a_follower_by_sync_equals_a_follower_by_changes(make_user, steps):
    make_user.number = getattr(make_user, "number", 0) + 1
    world = World(make_user(f"someone{make_user.number}"))
    for action, *arguments in steps:
        getattr(world, action)(*arguments)
    world.check()
