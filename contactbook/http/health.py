"""Health probes: /healthz says that the process runs, /readyz whether the database and the cache answer."""

from django.core.cache import cache
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "up"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    services = {"database": database_answers(), "cache": cache_answers()}
    down = [name for name, answers in services.items() if not answers]
    body = {"status": "ready", **{name: "up" if answers else "down" for name, answers in services.items()}}
    if down:
        body |= {"status": "not ready", "detail": f"{' and '.join(down)} does not answer."}
    return JsonResponse(body, status=503 if down else 200, headers={"Retry-After": "5"} if down else {})


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    except Error:
        return False


def cache_answers() -> bool:
    try:
        cache.set("readyz", 1, 5)
        return cache.get("readyz") == 1
    except RedisError:
        return False
