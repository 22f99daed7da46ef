"""PATCH /api/contacts/{id}/avatar."""

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import OpenApiRequest, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api.conditional import check_if_match
from contactbook.api.exceptions import Invalid, TooLarge, Unavailable
from contactbook.api.schema import ETAG, IF_MATCH, Problem
from contacts.api.base import ContactBookViewSet
from contacts.avatars import image, storage
from contacts.serializers.contacts import AvatarInput, WholeContactOutput

ENCODING = {"file": {"contentType": "image/jpeg, image/png, image/webp, image/gif"}}


class AvatarViewSet(ContactBookViewSet):
    limits = {"replace": "contacts_avatar"}
    parser_classes = [MultiPartParser]
    max_body = image.MAX_BYTES + 64 * 1024  # the form around the file

    @extend_schema(
        operation_id="replaceAvatar",
        summary="Upload a contact's picture",
        description="Replaces the picture of a contact. The middle square of the upload is stored as a JPEG of "
        "250 × 250 pixels, without anything but its pixels; `avatar` of the answer is its URL. The old picture stays "
        "as long as the history needs it. 413 over 10 MB, 422 for what is no picture or has too many pixels.",
        request={"multipart/form-data": OpenApiRequest(AvatarInput, encoding=ENCODING)},
        parameters=[IF_MATCH, ETAG],
        responses={200: WholeContactOutput, 507: Problem},
    )
    def replace(self, request: Request, contact_id: str) -> Response:
        # The picture is not decoded for a contact that is not there.
        contact = self.contacts().by_id(self.contact_id())
        check_if_match(request.headers.get("If-Match"), contact.etag)
        serializer = AvatarInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        (reference, size), written = stored(serializer.validated_data["file"]), False
        try:
            with self.writing(quota=True) as book:
                contact = self.get_contact_for_update(book)
                book.set_avatar(contact, reference, size)
                written = True
        except Exception:
            # After the write a commit may be done although its answer was lost. If not, purge_history deletes the file.
            if not written:
                storage.delete(reference)
            raise
        return self.contact_response(contact)


def stored(upload: UploadedFile) -> tuple[str, int]:
    """Crop and store the picture; return its reference and its bytes."""
    if (upload.size or 0) > image.MAX_BYTES:
        raise TooLarge(f"The picture is larger than {image.MAX_BYTES} bytes.")
    try:
        jpeg = image.render(upload)
        return storage.store(jpeg), len(jpeg)
    except image.NotAnImage as error:
        raise Invalid("body", {"file": [str(error)]}) from None
    except storage.StorageUnavailable:
        raise Unavailable("The avatar cannot be stored right now; the old one stays.") from None
