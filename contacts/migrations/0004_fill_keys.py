"""Adds the keys of the contacts that are there already."""

from django.db import migrations

from contacts.cards.keys import keys_of

BATCH = 500  # contacts


def fill(apps, schema_editor):
    contacts = apps.get_model("contacts", "Contact").objects
    key = apps.get_model("contacts", "ContactKey")
    last = 0
    while batch := list(contacts.filter(pk__gt=last).order_by("pk").values_list("pk", "user_id", "card")[:BATCH]):
        rows = [
            key(contact_id=contact_id, user_id=user_id, kind=found.kind, value=found.value)
            for contact_id, user_id, card in batch
            for found in sorted(keys_of(card))
        ]
        key.objects.bulk_create(rows, batch_size=1000)
        last = batch[-1][0]


class Migration(migrations.Migration):
    dependencies = [("contacts", "0003_pictures_and_keys")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
