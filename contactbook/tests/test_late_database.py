"""A server that is started before its database, as a machine does after a power cut."""

import pytest

from contactbook.tests.faults import account, own_postgres, until
from contactbook.tests.live import serving

pytestmark = [pytest.mark.postgresql, pytest.mark.long]


def test_a_server_started_before_its_database_answers_503_and_then_serves(tmp_path):
    with own_postgres() as postgres, serving(tmp_path / "var", DATABASE_URL=postgres.url) as server:
        _, token = account(server)
        server.stop()
        postgres.stop()
        server.start()
        answers = [
            server.ask("GET", "/api/contacts", token=token),
            server.ask("POST", "/api/contacts", {"fullname": "x"}, token),
            server.ask("POST", "/api/auth/login", "username=a@example.org&password=b"),
        ]
        alive, ready = server.try_get("/healthz"), server.ask("GET", "/readyz")
        postgres.start()
        assert {answer.status for answer in answers} == {503}
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers)
        assert alive == 200
        assert (ready.status, ready.json()["database"]) == (503, "down")
        assert until(lambda: server.ask("GET", "/api/contacts", token=token).status == 200) < 5
        assert server.try_get("/readyz") == 200
        account(server)  # the thread that sends e-mails is alive, too
