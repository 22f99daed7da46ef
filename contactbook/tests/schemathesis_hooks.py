"""What JSON Schema cannot say of valid requests, said to schemathesis, so that every check stays switched on."""

import uuid
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode

# Django's validators refuse common passwords, and those that resemble the name or the address beside them.
schemathesis.openapi.format("password", st.text("bcdfghjkmnpqrstvwxz23456789", min_size=14, max_size=40))
# Only a cursor that was given out is one; the empty one is the first page's.
schemathesis.openapi.format("cursor", st.just(""))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if not case.meta or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    # A key belongs to one request; schemathesis would use it again for another.
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = uuid.uuid4().hex
    # phone_number is the digits of phone: one of two that disagree must go.
    if isinstance(case.body, dict) and {"phone", "phone_number"} <= case.body.keys():
        del case.body["phone_number"]
