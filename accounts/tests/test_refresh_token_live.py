"""GET /api/auth/refresh_token, on the running product."""

from accounts.tests.cast import PAIR, at_once
from contactbook.tests.live import serving

URL = "/api/auth/refresh_token"


def test_the_server_gives_a_new_pair(server):
    email, _ = server.sign_up()
    answer = server.ask("GET", URL, token=server.log_in(email)["refresh_token"])
    assert answer.status == 200
    assert answer.json().keys() == PAIR
    assert answer.headers["Cache-Control"] == "no-store"


def test_twelve_uses_at_once_give_one_pair(server):
    email, _ = server.sign_up()
    token = server.log_in(email)["refresh_token"]
    for _ in range(5):
        answers = at_once(12, lambda number, token=token: server.ask("GET", URL, token=token))
        assert {answer.status for answer in answers} == {200}
        assert len({answer.body for answer in answers}) == 1
        token = answers[0].json()["refresh_token"]
    assert server.ask("GET", "/api/contacts", token=answers[0].json()["access_token"]).status == 200


def test_tokens_of_a_fallback_key_stay_valid_while_the_new_key_signs(tmp_path):
    old, new = "old-" + "x" * 50, "new-" + "y" * 50
    with serving(tmp_path / "var", SECRET_KEY=old) as server:
        email, access = server.sign_up()
        first = server.log_in(email)
        server.stop()
        server.env |= {"SECRET_KEY": new, "SECRET_KEY_FALLBACKS": f"unused-{'z' * 50},{old}"}
        server.start()
        assert server.ask("GET", "/api/contacts", token=access).status == 200
        second = server.ask("GET", URL, token=first["refresh_token"])
        assert second.status == 200
        server.stop()
        server.env["SECRET_KEY_FALLBACKS"] = ""
        server.start()
        assert server.ask("GET", "/api/contacts", token=access).status == 401
        assert server.ask("GET", URL, token=first["refresh_token"]).status == 401
        assert server.ask("GET", "/api/contacts", token=second.json()["access_token"]).status == 200
        assert server.ask("GET", URL, token=second.json()["refresh_token"]).status == 200
