"""The head of the OpenAPI document: its introduction, and its groups in the order in which a newcomer needs them."""

INTRODUCTION = """\
An address book for people and their programs, over HTTP and JSON.

## Start

1. `signup` makes an account, and sends a mail with a link. Open the link to confirm the address.
2. `login` takes the address and the password as a form, and answers with an access token and a refresh token. On the
   page `/api/docs` the button *Authorize* does the same; leave the client's id and secret empty.
3. Send the access token with every other request: `Authorization: Bearer …`. It is valid for 15 minutes.
   `refreshToken` gets the next pair of tokens.
4. `createContact` adds a contact, `findContact` finds it, and `listContacts` shows all of them.

## Requests

Bodies are JSON in UTF-8, except the form of `login` and uploads. A body needs a Content-Length. Unknown fields are
ignored, and in an optional field an empty string means null. A slash at the end of a path is optional.

## Errors

An error has the body `{"detail": "One sentence."}`. Only a 422 is a list, with one entry for each fault:
`{"detail": [{"loc": ["body", "email"], "msg": "For people.", "type": "for_programs"}]}`.

| status | meaning |
| --- | --- |
| 401 | No token, or one that is not valid any more: refresh it, or log in. |
| 404 | It does not exist, or belongs to another account. The two look the same. |
| 409 | The current state does not allow the request. |
| 412 | The contact was changed since the client has read it. |
| 413 | The body, or what would be read or written, is too large. |
| 422 | The path, the query or the body is not valid. |
| 429, 503 | Too many requests, or the server is busy: wait for `Retry-After` seconds and send it again. |
| 507 | The account has used its storage. Deleting makes room. |

## Limits

Each operation has its own limit for each account, or for each client address without one. `RateLimit-Limit`,
`RateLimit-Remaining` and `RateLimit-Reset` say its state in every answer.

## Pages

A list is a bare JSON array. `skip` and `limit` choose a page. The `Link` header has the URLs of the next and the
previous page, and `X-Total-Count` the number of entries on all pages.

## Lost answers and lost updates

A POST with an `Idempotency-Key` can be sent again: it runs once, and a repeat gets the first answer. A write with
`If-Match` is refused with 412 if somebody has changed the contact since it was read. A read with `If-None-Match` is a
304 without a body if nothing has changed.
"""

TAGS = [
    {"name": "auth", "description": "Sign up, confirm the address, log in, and set a new password."},
    {
        "name": "contacts",
        "description": "Your contacts. A contact of another account is a 404, on every route.",
    },
    {"name": "groups", "description": "Groups of contacts, by name. They are the keywords of the contacts' cards."},
    {
        "name": "history",
        "description": "Every change is logged: the history of a contact, restoring it, the trash, and undo.",
    },
    {
        "name": "imports",
        "description": "Files of contacts: upload one, look at what it would change, write it, take it back.",
    },
    {"name": "sync", "description": "For programs that keep a copy: many writes at once, and what changed."},
    {"name": "me", "description": "Your account, its sessions and all its data."},
]
