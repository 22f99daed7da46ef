"""GET /api/auth/refresh_token, on the running product."""

from accounts.tests.cast import PAIR, at_once

URL = "/api/auth/refresh_token"


def test_twelve_uses_at_once_give_one_pair(server):
    email, _ = server.sign_up()
    token = server.log_in(email)["refresh_token"]
    for _ in range(5):
        answers = at_once(12, lambda number, token=token: server.ask("GET", URL, token=token))
        assert {answer.status for answer in answers} == {200}
        assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
        assert len({answer.body for answer in answers}) == 1
        assert answers[0].json().keys() == PAIR
        token = answers[0].json()["refresh_token"]
    assert server.ask("GET", "/api/contacts", token=answers[0].json()["access_token"]).status == 200
