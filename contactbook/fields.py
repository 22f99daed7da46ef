"""Fields that take their JSON type and nothing that merely resembles it."""

import re
from typing import Any

from rest_framework import serializers


class Text(serializers.CharField):
    """A JSON string; DRF's own also takes numbers."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Count(serializers.IntegerField):
    """An integer of a query or path: ASCII digits alone, where DRF's also takes ` 5`, `5.0`, `1_000` and `٥`."""

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch(r"-?[0-9]{1,20}", str(data)):
            self.fail("invalid")
        return super().to_internal_value(data)


class Number(serializers.IntegerField):
    """A JSON integer; DRF's own also takes text and whole floats."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class Flag(serializers.BooleanField):
    """A JSON true or false; DRF's own also takes "yes", "t", 1 …"""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data
