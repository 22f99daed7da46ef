"""A page of birthdays is read as it stands in the index, however many were born on its first day.

On PostgreSQL no write waits for it.
"""

from contactbook.db.postgresql.migrating import AddIndexOnline, RemoveIndexOnline
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0005_pieces_of_texts")]

    operations = [
        AddIndexOnline(
            "contact",
            models.Index(
                fields=["user", "month_day", "fullname_folded", "id"],
                name="contact_birthday_order",
                condition=models.Q(deleted_at=None),
            ),
        ),
        RemoveIndexOnline("contact", "contact_birthdays"),
    ]
