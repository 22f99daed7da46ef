"""A peer: Django REST framework as its tutorials write it, under gunicorn's gthread worker.

ModelViewSet, ModelSerializer, LimitOffsetPagination, SearchFilter, simplejwt's JWTAuthentication (which reads the user
at each request) and UserRateThrottle with its times in Redis; what `startproject` puts into the settings stays.
Where tutorials differ, the faster way was taken: connections stay open, birthdays are filtered in SQL. The rate is
counted per second, so that the list of times that the throttle stores stays short.
"""

import os
from datetime import UTC, date, datetime, timedelta

import dj_database_url
import django
from django.conf import settings

CONTRIB = ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")
settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=[*(f"django.contrib.{name}" for name in CONTRIB), "rest_framework"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    ROOT_URLCONF="bench.tutorial",
    DATABASES={"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=600)},
    CACHES={"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": os.environ["REDIS_URL"]}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
        "PAGE_SIZE": 20,
        "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
        "DEFAULT_THROTTLE_RATES": {"user": "1000000/second"},
    },
)
django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.db.models.functions import ExtractDay, ExtractMonth
from django.urls import include, path
from rest_framework import filters, routers, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response


class Contact(models.Model):
    fullname = models.CharField(max_length=255)
    email = models.EmailField(max_length=320, null=True, blank=True)
    phone_number = models.BigIntegerField(null=True, blank=True)
    birthday = models.DateField(null=True, blank=True)
    additional = models.TextField(null=True, blank=True)
    avatar = models.CharField(max_length=255, null=True, blank=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE)

    class Meta:
        app_label, db_table, ordering = "bench", "contacts", ["id"]

    def __str__(self):
        return self.fullname


class ContactSerializer(serializers.ModelSerializer):
    class Meta:
        model = Contact
        fields = ["id", "fullname", "email", "phone_number", "birthday", "additional", "user_id", "avatar"]


class ContactViewSet(viewsets.ModelViewSet):
    serializer_class = ContactSerializer
    filter_backends = [filters.SearchFilter]
    search_fields = ["fullname", "email"]

    def get_queryset(self):
        return Contact.objects.filter(user=self.request.user)

    def perform_create(self, serializer):
        serializer.save(user=self.request.user)

    @action(detail=False)
    def birthdays(self, request):
        today = datetime.now(UTC).date()
        end = min(today + timedelta(days=int(request.query_params.get("days_range", 7))), date(today.year, 12, 31))
        day = ExtractMonth("birthday") * 100 + ExtractDay("birthday")
        span = (today.month * 100 + today.day, end.month * 100 + end.day)
        contacts = self.get_queryset().annotate(day=day).filter(day__range=span).order_by("day")
        return Response(self.get_serializer(contacts, many=True).data)


def create_tables():
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Contact)


router = routers.DefaultRouter()
router.register("contacts", ContactViewSet, basename="contact")
urlpatterns = [path("api/", include(router.urls))]

application = get_wsgi_application()
