"""/api/groups."""

import time
from collections.abc import Callable

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api.pagination import SkipLimitPagination
from contactbook.api.schema import IDEMPOTENCY_KEY, LINK, TOTAL_COUNT, Problem
from contactbook.exceptions import BusyError, ConflictError
from contacts.api.base import ContactBookViewSet
from contacts.api.idempotency import idempotent
from contacts.models import Book, Group, GroupQuerySet
from contacts.serializers.log import GroupInput, GroupOutput
from contacts.serializers.queries import GroupPath, PageQuery

SECONDS = 1.0  # of processor time, after which a request begins no further portion
UNFINISHED = "The group is large: only some of its contacts are changed. Send the request again for the others."


class GroupViewSet(ContactBookViewSet):
    """Groups by name. The card of a contact says which groups it is in, among its keywords."""

    limits = {
        "list": "groups_list",
        "create": "groups_create",
        "rename": "groups_update",
        "destroy": "groups_delete",
    }

    def groups(self) -> GroupQuerySet:
        return Group.objects.for_user(self.user.pk)

    def group(self) -> Group:
        path = GroupPath(data=self.kwargs)
        path.is_valid(raise_exception=True)
        return self.groups().by_id(path.validated_data["group_id"])

    @extend_schema(
        operation_id="listGroups",
        summary="List groups",
        description="Returns your groups by name. A group exists once it was made here, or a card named it among its "
        "`keywords`; it may be empty. `listContacts` with `group` lists its contacts.",
        parameters=[PageQuery, TOTAL_COUNT, LINK],
        responses={200: GroupOutput(many=True)},
    )
    def list(self, request: Request) -> Response:
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        paginator = SkipLimitPagination(**query.validated_data)
        paginator.total = self.groups().count()
        page = paginator.paginate_queryset(self.groups().order_by("name", "id"), request, self)
        return paginator.get_paginated_response(GroupOutput(page, many=True).data)

    @extend_schema(
        operation_id="createGroup",
        summary="Add a group",
        description="Adds an empty group. To put a contact into it, patch the contact's card: "
        '`{"card": {"keywords": {"Family": true}}}`. 409 if there is a group with this name.',
        request=GroupInput,
        parameters=[IDEMPOTENCY_KEY],
        responses={201: GroupOutput, 409: Problem},
    )
    @idempotent
    def create(self, request: Request) -> Response:
        serializer = GroupInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        group, is_new = self.groups().get_or_create(user_id=self.user.pk, name=serializer.validated_data["name"])
        if not is_new:
            raise ConflictError
        return Response(GroupOutput(group).data, 201)

    @extend_schema(
        operation_id="renameGroup",
        summary="Rename a group",
        description="Gives the group another name, in the card of every contact in it too, which is a change of each. "
        "409 if there is a group with the new name. A large group is renamed in portions: 503 means that only some of "
        "the contacts are done, and the same request does the others.",
        request=GroupInput,
        responses={200: GroupOutput, 409: Problem},
    )
    def rename(self, request: Request, group_id: str) -> Response:
        serializer = GroupInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        name = serializer.validated_data["name"]
        self.in_portions(lambda group, book: group.rename(book, name))
        return Response(GroupOutput(self.group()).data)

    def in_portions(self, write: Callable[[Group, Book], bool]) -> None:
        """Write portions, each in a transaction, until the last is done; BusyError after SECONDS of processor time."""
        end, done = time.thread_time() + SECONDS, False
        while not done:
            if time.thread_time() > end:
                raise BusyError(UNFINISHED, retry_after=1)
            with self.writing() as book:
                done = write(self.group(), book)

    @extend_schema(
        operation_id="deleteGroup",
        summary="Delete a group",
        description="Deletes the group and returns it as it was. Its contacts stay and lose the keyword, which is a "
        "change of each that can be undone. 503 as in `renameGroup`.",
        responses={200: GroupOutput},
    )
    def destroy(self, request: Request, group_id: str) -> Response:
        response = Response(GroupOutput(self.group()).data)
        self.in_portions(Group.dissolve)
        return response
