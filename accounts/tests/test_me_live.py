"""/api/me… on the running product: a change holds in every process at once, and of simultaneous ones one succeeds"""

from accounts.tests.cast import at_once
from contactbook.tests.live import PASSWORD

NEW = "battery staple 7"
ASKED = 12  # requests, so that every process answers some


def statuses(server, token):
    return {server.ask("GET", "/api/contacts/", token=token).status for _ in range(ASKED)}


def test_every_process_refuses_the_token_after_a_logout(server):
    _, token = server.sign_up()
    assert statuses(server, token) == {200}
    assert server.ask("POST", "/api/auth/logout", token=token).json() == "Logged out"
    assert statuses(server, token) == {401}


def test_every_process_refuses_the_tokens_of_a_closed_account(server):
    email, token = server.sign_up()
    other = server.log_in(email)["access_token"]
    assert statuses(server, other) == {200}
    assert server.ask("DELETE", "/api/me", {"password": PASSWORD}, token).status == 200
    assert statuses(server, other) == {401}
    assert statuses(server, server.log_in(email)["access_token"]) == {200}


def test_of_eight_password_changes_at_once_one_succeeds(server):
    email, token = server.sign_up()
    bodies = [{"old": PASSWORD, "new": f"{NEW} {number}"} for number in range(8)]
    answers = at_once(8, lambda number: server.ask("POST", "/api/me/password", bodies[number], token))
    assert {answer.status for answer in answers} <= {200, 401, 422}
    (winner,) = [number for number, answer in enumerate(answers) if answer.status == 200]
    fresh = answers[winner].json()["access_token"]
    assert len(server.ask("GET", "/api/me/sessions", token=fresh).json()) == 1
    assert "access_token" in server.log_in(email, bodies[winner]["new"])


def test_logins_racing_with_a_password_change_leave_no_session(server):
    email, token = server.sign_up()

    def act(number):
        if number:
            return server.log_in(email).get("access_token")
        return server.ask("POST", "/api/me/password", {"old": PASSWORD, "new": NEW}, token).json()["access_token"]

    fresh, *others = at_once(6, act)
    assert all(server.ask("GET", "/api/me", token=other).status == 401 for other in others if other)
    assert len(server.ask("GET", "/api/me/sessions", token=fresh).json()) == 1


def test_one_session_is_ended_once(server):
    email, token = server.sign_up()
    server.log_in(email)
    (lost,) = [s for s in server.ask("GET", "/api/me/sessions", token=token).json() if not s["current"]]
    answers = at_once(6, lambda _: server.ask("DELETE", f"/api/me/sessions/{lost['id']}", token=token))
    assert sorted(answer.status for answer in answers) == [200] + [404] * 5
