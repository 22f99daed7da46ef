"""/api/me/feeds: the birthday feeds of the caller. contacts/api/calendar.py serves them."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api.schema import Problem
from contacts.api.base import ContactBookViewSet
from contacts.models import Feed, FeedQuerySet
from contacts.serializers.feeds import CreatedFeedOutput, FeedInput, FeedOutput, FeedPath


class FeedsViewSet(ContactBookViewSet):
    limits = {"list": "feeds_list", "create": "feeds_create", "destroy": "feeds_delete"}
    cache_control = "no-store"

    def feeds(self) -> FeedQuerySet:
        return Feed.objects.for_user(self.user.pk)

    @extend_schema(
        operation_id="listFeeds",
        summary="List your birthday feeds",
        description="Oldest first, without their addresses, which the server does not store.",
        responses={200: FeedOutput(many=True)},
    )
    def list(self, request: Request) -> Response:
        return Response(FeedOutput(self.feeds().order_by("id"), many=True).data)

    @extend_schema(
        operation_id="createFeed",
        summary="Make a birthday feed for a calendar program",
        description="The `url` alone gives access to the names and days of your birthdays. It is shown "
        "this once. At most 20 feeds; a reset of the password by mail ends all.",
        request=FeedInput,
        responses={201: CreatedFeedOutput, 409: Problem},
    )
    def create(self, request: Request) -> Response:
        serializer = FeedInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        feed, secret = Feed.objects.add(self.user.pk, **serializer.validated_data)
        return Response(CreatedFeedOutput(feed, context={"secret": secret}).data, 201)

    @extend_schema(
        operation_id="deleteFeed",
        summary="End a birthday feed",
        description="Its address is not found from the next request on.",
        responses={204: None},
    )
    def destroy(self, request: Request, feed_id: str) -> Response:
        path = FeedPath(data=self.kwargs)
        path.is_valid(raise_exception=True)
        self.feeds().by_id(path.validated_data["feed_id"]).delete()
        return Response(status=204)
