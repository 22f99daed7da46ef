import secrets
import shlex
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from accounts.models import User
from contacts.cards import jscontact
from contacts.models import Book, Contact

ADDRESS = "demo@example.org"


class Person(NamedTuple):
    fullname: str
    email: str | None
    phone: str | None
    birth_year: int | None
    days_ahead: int  # from the day of the command to the next birthday
    additional: str | None = None


# The domains and numbers are reserved for examples or fiction (RFC 2606, and ranges of Ofcom and the FCC).
PEOPLE = [
    Person(
        "Іван Франко",
        "ivan.franko@example.org",
        "+380 44 555 0101",
        1986,
        0,
        "Translator",
    ),
    Person("Zoë Ångström", "zoe@example.com", "+46 8 555 01 02", 1991, 1, "Physics, Uppsala"),
    Person("Łukasz Żółkiewski", "lukasz@example.net", "+48 22 555 01 03", 1978, 2),
    Person("François Lefèvre", "francois@example.fr", "+33 1 99 00 12 04", 1969, 3, "Baker on the corner"),
    Person("Nguyễn Thị Hương", "huong.nguyen@example.com", "+84 24 5550 105", 1994, 5),
    Person("José Martínez Peña", "jose@example.org", "+34 900 555 106", 1982, 6, "Plays the cello"),
    Person("Søren Kjærgaard", "soren@example.net", "+45 55 50 01 07", 1975, 8),
    Person("Ömer Çağlar", "omer.caglar@example.com", "+90 212 555 0108", 1988, 10),
    Person("田中 さくら", "sakura.tanaka@example.jp", "+81 3 5550 0109", 1996, 12, "Met in Kyoto"),
    Person("Ελένη Παπαδοπούλου", "eleni@example.gr", "+30 21 0555 0110", 1980, 14),
    Person("Siobhán Ní Dhúill", "siobhan@example.ie", "+353 1 555 0111", 1973, 17, "Book club"),
    Person("Björk Guðmundsdóttir", "bjork@example.org", "+354 555 0112", 1990, 20),
    Person("Андрій Шевчук", "andriy@example.com", "+380 32 555 0113", 1984, 23),
    Person(
        "Müller & Söhne GmbH",
        "werkstatt@example.de",
        "+49 30 23125 014",
        None,
        0,
        "Garage",
    ),
    Person("Ana Lúcia Gonçalves", "ana.lucia@example.com", "+351 21 555 0115", 1979, 27),
    Person("Tomáš Dvořák", "tomas@example.cz", "+420 255 500 116", 1968, 31),
    Person("محمد الفارسي", "m.alfarsi@example.com", "+971 4 555 0117", 1985, 36),
    Person("דנה לוי", "dana.levi@example.com", "+972 3 555 0118", 1993, 41),
    Person("Katarína Ďurišová", "katarina@example.sk", "+421 2 5550 0119", 1987, 47),
    Person(
        "Oliver Smith",
        "oliver.smith@example.co.uk",
        "020 7946 0120",
        1992,
        54,
        "Has the spare key",
    ),
    Person("Amelia Johnson", "amelia@example.com", "(202) 555-0121", 1995, 62),
    Person("Dr. Ngozi Okafor", "n.okafor@example.org", "+234 1 555 0122", 1971, 70, "Dentist"),
    Person("Priya Raman", "priya@example.in", "+91 11 5550 0123", 1989, 79),
    Person("李 小龍", "xiaolong.li@example.com", "+852 5550 0124", 1983, 88),
    Person("김민준", "minjun.kim@example.kr", "+82 2 555 0125", 1998, 97),
    Person("Maja Horvat", "maja.horvat@example.com", "+385 1 555 0126", 1981, 107),
    Person("Đorđe Petrović", "djordje@example.rs", "+381 11 555 0127", 1976, 118),
    Person("Ștefania Țurcanu", "stefania@example.ro", "+40 21 555 0128", 1997, 129),
    Person("Ingrid Øverland", "ingrid@example.no", "+47 22 55 01 29", 1965, 141, "Aunt; rings on Sundays"),
    Person("Jānis Bērziņš", "janis@example.lv", "+371 6 555 0130", 1990, 153),
    Person("Rasa Žemaitytė", "rasa@example.lt", "+370 5 555 0131", 1986, 166),
    Person("Gülşen Yıldız", "gulsen@example.com", "+90 312 555 0132", 1977, 180),
    Person("Chloé Dubois", "chloe@example.be", "+32 2 555 01 33", 1999, 194),
    Person("Peter O’Neill", "peter.oneill@example.com", "+353 21 555 0134", 1970, 209, "Plumber"),
    Person("Nikolaj Arcel", "nikolaj@example.dk", "+45 55 50 01 35", 1972, 225),
    Person("Yusuf Demir", "yusuf@example.com", "+49 40 66969 036", 2001, 242),
    Person("Lea Brönnimann", "lea@example.ch", "+41 44 555 01 37", 1984, 260),
    Person("María José Ibáñez", "mariajose@example.mx", "+52 55 5550 0138", 1974, 279),
    Person("Taxi", None, "0800 555 0139", None, 0),
    Person("Grandma", None, "020 7946 0140", 1941, 300, "Ring in the afternoon"),
]


def birthday(person: Person, today: date) -> date | None:
    """Return the birthday; 28 February in place of 29 February, which the year of birth may not have."""
    if person.birth_year is None:
        return None
    day = today + timedelta(days=person.days_ahead)
    leap_day = (day.month, day.day) == (2, 29)
    return date(person.birth_year, 2, 28) if leap_day else day.replace(year=person.birth_year)


def flat(person: Person, today: date) -> dict[str, Any]:
    return {
        "fullname": person.fullname,
        "email": person.email,
        "phone": person.phone,
        "birthday": birthday(person, today),
        "additional": person.additional,
    }


class Command(BaseCommand):
    """Makes an account with contacts, so that the product can be tried at once."""

    help = (
        f"Makes the account {ADDRESS} with an address book of {len(PEOPLE)} people, and prints its password. "
        "When run again it resets these contacts, moves the birthdays to the coming days, and sets a new password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--password", help="the account's password (default: a random one)")

    def handle(self, *args: Any, password: str | None, **options: Any) -> None:
        password = password or secrets.token_urlsafe(12)
        with transaction.atomic():
            user = User.objects.by_address(ADDRESS) or User(username="Demo", email=ADDRESS)
            user.set_password(password)
            user.is_active, user.closed_at = True, None
            user.save()
            user.confirm()
            user.end_sessions()
            fill(user)
        self.stdout.write(
            f"{ADDRESS} has {len(PEOPLE)} contacts. Its password: {password}\n\n"
            f"Open {settings.PUBLIC_URL}/api/docs and press Authorize, or log in from here:\n\n"
            f"  curl {settings.PUBLIC_URL}/api/auth/login \\\n"
            f"    --data-urlencode username={ADDRESS} --data-urlencode {shlex.quote(f'password={password}')}\n"
        )


def fill(user: User) -> None:
    today = date.today()
    with Book.objects.writing(user.pk, "command", "manage.py demo") as book:
        existing = {contact.fullname: contact for contact in Contact.objects.for_user(user.pk)}
        for person in PEOPLE:
            if person.fullname in existing:
                book.change(existing[person.fullname], flat(person, today))
            else:
                book.create(jscontact.with_flat({}, flat(person, today)))
