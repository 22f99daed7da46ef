"""The view of every path under /dav/: authentication, the limit, and the method's handler."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from contactbook.api.exceptions import Unavailable, as_api_exception
from contactbook.exceptions import QuotaExceededError
from contactbook.http.errors import DAV_METHODS
from contacts.carddav import cards, propfind, query, sync
from contacts.carddav.authentication import authenticate, throttle
from contacts.carddav.errors import DavError, not_found
from contacts.carddav.paths import Kind, Target, is_storable, target_of
from contacts.carddav.properties import ONLY_EXPAND, REPORTS
from contacts.carddav.request import DavRequest

Handler = Callable[[DavRequest], HttpResponseBase]

DAV = "1, 3, access-control, addressbook"  # RFC 4918 §18, RFC 3744 §7.2, RFC 6352 §6.1
REPORT_HANDLERS = {
    "addressbook-multiget": query.multiget,
    "addressbook-query": query.addressbook_query,
    "sync-collection": sync.sync_collection,
    "expand-property": propfind.expand_property,
}
QUOTA = "<D:quota-not-exceeded/>"  # RFC 4331 §6


def options(request: DavRequest) -> HttpResponse:
    page = ", GET, HEAD" if request.path == "/" else ""
    return HttpResponse(status=200, headers={"Allow": allow(request.target.kind) + page})


def report(request: DavRequest) -> HttpResponseBase:
    """RFC 3253 §3.6."""
    root = request.xml()
    if root is None:
        raise DavError(400, "A REPORT has a body that names the report.")
    if root.tag not in REPORTS.get(request.target.kind, ONLY_EXPAND):
        raise DavError(403, precondition="<D:supported-report/>")
    return REPORT_HANDLERS[root.tag.rpartition("}")[2]](request, root)


ANY: dict[str, Handler] = {
    "OPTIONS": options,
    "PROPFIND": propfind.propfind,
    "PROPPATCH": propfind.proppatch,
    "REPORT": report,
}
CARD: dict[str, Handler] = {
    **ANY,
    "GET": cards.get,
    "HEAD": cards.get,
    "PUT": cards.put,
    "DELETE": cards.delete,
}


def handlers(kind: Kind) -> dict[str, Handler]:
    return CARD if kind == Kind.CARD else ANY


def allow(kind: Kind) -> str:
    return ", ".join(handlers(kind))


@csrf_exempt  # no cookie authenticates a request
def dav(request: HttpRequest) -> HttpResponseBase:
    try:
        response = answer(request)
    except DavError as error:
        response = error.response()
    except QuotaExceededError:
        response = DavError(507, precondition=QUOTA).response()
    except Exception as error:  # as in the API's exception handler, which logs an unexpected one
        response = failure(error)
    response.headers["DAV"] = DAV
    response.headers.setdefault("Cache-Control", "private, no-cache")
    if isinstance(response, HttpResponse) and not response.content:
        del response.headers["Content-Type"]  # of Django's default, HTML
    patch_vary_headers(response, ["Accept", "Authorization"])
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own line would name the path
    return response


def failure(error: Exception) -> HttpResponseBase:
    known = as_api_exception(error)
    headers = {"Retry-After": str(known.wait)} if isinstance(known, Unavailable) else {}
    return DavError(known.status_code, str(known.detail), headers=headers).response()


def answer(request: HttpRequest) -> HttpResponseBase:
    user = authenticate(request)
    request.user = user  # type: ignore[assignment]
    limits = throttle(request, user)
    try:
        response = answer_user(DavRequest(request, user, target_for(request, user.pk)))
    except DavError as error:
        error.headers |= limits
        raise
    for name, value in limits.items():
        response.headers[name] = value
    return response


def target_for(request: HttpRequest, user_id: int) -> Target:
    """Return what the path names; DavError 404 if there is no such resource, or if it is another user's.

    A method that no resource has is a 405 on every path, before that.
    """
    if request.method not in CARD:
        raise DavError(405, "This method is not supported.", headers={"Allow": allow(Kind.CARD)})
    target = target_of(request.path_info)
    if target is None or (target.user_id and target.user_id != str(user_id)) or not is_storable(target.name):
        raise not_found()
    return target


def answer_user(request: DavRequest) -> HttpResponseBase:
    handler = handlers(request.target.kind).get(request.http.method or "")
    if handler is None:
        raise DavError(405, "This method is not for a collection.", headers={"Allow": allow(request.target.kind)})
    response = handler(request)
    if request.minimal and request.http.method in ("PROPFIND", "REPORT"):
        response.headers["Preference-Applied"] = "return=minimal"
    return response


def dav_or_page(page: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Return a view that answers OPTIONS and the methods of WebDAV as `dav`, and the others as that page."""

    @csrf_exempt
    def view(request: HttpRequest) -> HttpResponseBase:
        return (dav if request.method in {"OPTIONS", *DAV_METHODS} else page)(request)

    return view


@csrf_exempt
def well_known(request: HttpRequest) -> HttpResponse:
    """RFC 6764 §5, on every method, without credentials."""
    return HttpResponsePermanentRedirect("/dav/", content_type="text/plain; charset=utf-8")
