"""Errors of CardDAV: a precondition as `<D:error>` (RFC 4918 §16) where an RFC has one, else a sentence."""

from django.http import HttpResponse


class DavError(Exception):
    """An answer with that status. `precondition` is the XML inside `<D:error>`."""

    def __init__(
        self, status: int, sentence: str = "", precondition: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(sentence or precondition)
        self.status, self.sentence, self.precondition = status, sentence, precondition
        self.headers = headers or {}

    def response(self) -> HttpResponse:
        from contacts.carddav import xml  # which imports this module

        if self.precondition:
            content, kind = xml.document("error", self.precondition), xml.CONTENT_TYPE
        else:
            content, kind = f"{self.sentence}\n".encode(), "text/plain; charset=utf-8"
        return HttpResponse(content, kind, self.status, headers=self.headers)


def not_found() -> DavError:
    return DavError(404, "Not found")
