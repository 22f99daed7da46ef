"""Serializers of the birthday feeds."""

from django.conf import settings
from rest_framework import serializers

from contactbook.api.fields import Count, Flag, Name, OptionalNumber
from contactbook.api.serializers import PathSerializer
from contacts.models import Feed
from contacts.models.feed import MAX_DAYS

ALARM = "How many days before each event its alarm is, at midnight of the calendar's zone; null for no alarm."
OTHERS = "Whether the feed has weddings and other anniversaries, too, at most 50 of a contact."
FEED = {
    "id": 1,
    "name": "Phone",
    "created_at": "2026-01-31T12:00:00Z",
    "last_read_at": None,
    "anniversaries": False,
    "alarm_days": 1,
}


class FeedInput(serializers.Serializer):
    """A new birthday feed."""

    example = {"name": "Phone", "anniversaries": False, "alarm_days": 1}
    name = Name(
        min_length=1, max_length=100, help_text="For you, in the list of feeds; calendar programs show it as well."
    )
    anniversaries = Flag(required=False, default=False, help_text=OTHERS)
    alarm_days = OptionalNumber(
        required=False, allow_null=True, default=None, min_value=0, max_value=MAX_DAYS, help_text=ALARM
    )


class FeedOutput(serializers.ModelSerializer):
    """A birthday feed, without its address."""

    example = FEED

    class Meta:
        model = Feed
        fields = ["id", "name", "created_at", "last_read_at", "anniversaries", "alarm_days"]
        read_only_fields = fields
        extra_kwargs = {
            "id": {"help_text": "Identifies the feed in DELETE /api/me/feeds/{id}."},
            "name": {"help_text": "The name given by you."},
            "created_at": {"help_text": "When the feed was made."},
            "last_read_at": {
                "help_text": "When a program read it last, exact to five minutes; null if none has read it yet."
            },
            "anniversaries": {"help_text": OTHERS},
            "alarm_days": {"help_text": ALARM},
        }


class CreatedFeedOutput(FeedOutput):
    """A birthday feed with its address, which is shown this once."""

    example = {**FEED, "url": "https://contacts.example.org/feeds/uM0…/birthdays.ics"}
    url = serializers.SerializerMethodField(
        help_text="The address for the calendar program. It is shown this once; the server stores a digest of it."
    )

    class Meta(FeedOutput.Meta):
        fields = [*FeedOutput.Meta.fields, "url"]
        read_only_fields = fields

    def get_url(self, feed: Feed) -> str:
        return f"{settings.PUBLIC_URL}/feeds/{self.context['secret']}/birthdays.ics"


class FeedPath(PathSerializer):
    feed_id = Count()
