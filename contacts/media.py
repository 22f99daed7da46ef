"""/media/: stored pictures by their unguessable names. They are public: a browser shows them without a token."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from django.views.static import serve

from contacts.models import Picture

FOREVER = "public, max-age=31536000, immutable"  # a name is never used for another picture


@require_safe
def avatar(request: HttpRequest, name: str) -> HttpResponseBase:
    """Serve a JPEG of 250×250 pixels: an upload from its folder, or one that was made of a picture inside a card."""
    if not settings.CLOUDINARY_URL:
        try:
            return serve(request, name, document_root=str(settings.MEDIA_ROOT / "avatars"))
        except Http404:
            pass
    row = Picture.objects.filter(name=name).values_list("thumbnail", flat=True).first()
    if row is None:
        raise Http404
    return HttpResponse(bytes(row), content_type="image/jpeg", headers={"Cache-Control": FOREVER})


@require_safe
def original(request: HttpRequest, name: str) -> HttpResponse:
    """Serve what could not be decoded as a download: its content is whatever a client sent."""
    row = Picture.objects.filter(name=name).values_list("original", flat=True).first()
    if row is None:
        raise Http404
    headers = {"Cache-Control": FOREVER, "Content-Disposition": "attachment"}
    return HttpResponse(bytes(row), content_type="application/octet-stream", headers=headers)
