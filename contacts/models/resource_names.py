"""The names of CardDAV resources: the last part of the path of each contact."""

import re
import uuid

# A uid of other characters does not become part of a resource name.
PLAIN_UID = re.compile(r"[A-Za-z0-9._-]+")
SUFFIX = ".vcf"
RESOURCE_LENGTH = 255 + len(SUFFIX)


def resource_name(resource: str | None, uid: str, contact_id: int) -> str:
    """Return a contact's name: as a client chose it, else made of the uid or the id."""
    return resource or f"{uid if PLAIN_UID.fullmatch(uid) else contact_id}{SUFFIX}"


def new_resource_name() -> str:
    return f"{uuid.uuid4()}{SUFFIX}"
