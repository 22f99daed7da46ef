from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0002_postgresql_order_and_trigrams")]

    operations = [
        # With a default of the database's own: a server of the version before goes on writing books.
        migrations.AddField("book", "live", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.RunSQL(
            "UPDATE contacts_book SET live = (SELECT count(*) FROM contacts_contact"
            " WHERE contacts_contact.user_id = contacts_book.user_id AND deleted_at IS NULL)",
            migrations.RunSQL.noop,
        ),
    ]
