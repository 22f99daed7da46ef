"""The README's walk with the generated Python client: walk.py BIRTHDAY PICTURE; the link's token comes on stdin."""

import sys
from datetime import date

import contactbook_client as client  # type: ignore[import-not-found]

ADDRESS, PASSWORD = "python@example.org", "a walk in the park"  # pragma: allowlist secret
birthday, picture = sys.argv[1:]

with client.ApiClient() as api:
    auth, contacts, history = client.AuthApi(api), client.ContactsApi(api), client.HistoryApi(api)
    print(auth.signup(client.SignupInput(username="Ann", email=ADDRESS, password=PASSWORD)).detail, flush=True)
    print(auth.confirm_email(input()))
    pair = auth.login(username=ADDRESS, password=PASSWORD)
    api.configuration.access_token = pair.access_token
    print(pair.token_type)
    lukasz = contacts.create_contact(
        client.CreateContactInput(fullname="Łukasz Żółć", email="lukasz@example.org", phone="+48 22 123 45 67")
    )
    print(lukasz.fullname, lukasz.phone_number)
    zoe = contacts.create_contact(client.CreateContactInput(fullname="Zoë", birthday=date.fromisoformat(birthday)))
    print(zoe.fullname, zoe.birthday)
    print(contacts.find_contact("lukasz").fullname)
    print(next(each.fullname for each in contacts.list_birthdays()))
    print(contacts.replace_avatar(lukasz.id, picture).avatar.startswith("http"))
    print(contacts.delete_contact(lukasz.id).fullname)
    print(history.restore_from_trash(lukasz.id).fullname)
