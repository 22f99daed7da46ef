"""Tables as spreadsheets, services and telephones write them: what is read of them, and what the report says."""

from datetime import date

import pytest

from contacts.cards.tables import looks_like, read_table

pytestmark = pytest.mark.one_stack

TODAY = date(2026, 3, 1)
MARK = "A spreadsheet's mark of a text was left out: {!r}"

# The table, the targets of its columns, and for each row its full name and values, or why it failed.
TABLES = {
    "headings with underscores": (
        "first_name,last_name,email_address,phone_number\nAnn,Lee,a@x.org,1",
        ["name.given", "name.surname", "email", "phone"],
        [("Ann Lee", "a@x.org", "1")],
    ),
    "headings in camel case": (
        "DisplayName,GivenName,PrimarySmtpAddress,mobilePhone\nAnn Lee,Ann,a@x.org,1",
        ["fullname", "name.given", "email", "phone:cell"],
        [("Ann Lee", "a@x.org", "1")],
    ),
    "Italian": (
        "Nome;Cognome;Indirizzo e-mail;Cellulare\nAda;Rossi;a@x.it;06",
        ["name.given", "name.surname", "email", "phone:cell"],
        [("Ada Rossi", "a@x.it", "06")],
    ),
    "Dutch": (
        "Voornaam;Achternaam;E-mailadres;Mobiel\nJan;Vries;j@x.nl;06",
        ["name.given", "name.surname", "email", "phone:cell"],
        [("Jan Vries", "j@x.nl", "06")],
    ),
    "Portuguese": (
        "Nome;Sobrenome;E-mail;Celular\nJoão;Silva;j@x.br;11",
        ["name.given", "name.surname", "email", "phone:cell"],
        [("João Silva", "j@x.br", "11")],
    ),
    "Polish": (
        "Imię;Nazwisko;Adres e-mail\nŁukasz;Żak;l@x.pl",
        ["name.given", "name.surname", "email"],
        [("Łukasz Żak", "l@x.pl")],
    ),
    "Russian in Windows-1251": (
        "Имя;Фамилия;Эл. почта\nИван;Петров;i@x.ru".encode("cp1251"),
        ["name.given", "name.surname", "email"],
        [("Иван Петров", "i@x.ru")],
    ),
    "Cyrillic text under English headings": (
        "Name;Phone\nИван Петров;1\nÉva;2".encode("cp1251", "replace"),
        ["fullname", "phone"],
        [("Иван Петров", "1"), ("?va", "2")],
    ),
    "accents under English headings": (
        "Name;Phone\nJörg Müller;1\nRenée;2".encode("cp1252"),
        ["fullname", "phone"],
        [("Jörg Müller", "1"), ("Renée", "2")],
    ),
    "LinkedIn's lines above the headings": (
        'Notes:\n"Some addresses are missing."\n\nFirst Name,Last Name,Email Address,Connected On\nAnn,Lee,a@x.org,2021',
        ["name.given", "name.surname", "email", None],
        [*["This row stands above the headings."] * 2, ("Ann Lee", "a@x.org")],
    ),
    "no headings": (
        "Ann Lee,ann@x.org,+49 221 1234\nBob,b@x.org,+49 221 1235",
        [None, None, None],
        ["No column of the table is known."] * 2,
    ),
    "several addresses in a cell": (
        'Name,Email\nAnn,"a@x.org; b@x.org, c@x.org"\nBob,Bob b@x.org',
        ["fullname", "email"],
        [("Ann", "a@x.org", "b@x.org", "c@x.org"), ("Bob", "Bob b@x.org")],
    ),
    "a spreadsheet's texts": (
        'Name,Phone\nAnn,"=""0221 1"""\nBob,\'+49 221 1\nCy,\'s Hertogenbosch\nDi,\'\'x',
        ["fullname", "phone"],
        [
            ("Ann", "0221 1", MARK.format('="0221 1"')),
            ("Bob", "+49 221 1", MARK.format("'+49 221 1")),
            ("Cy", "'s Hertogenbosch"),
            ("Di", "''x"),
        ],
    ),
    "a spreadsheet's rounded numbers": (
        "Name,Phone\nAnn,4.92211E+11",
        ["fullname", "phone"],
        [("Ann", "4.92211E+11", "A spreadsheet has rounded Phone, its last digits are lost: 4.92211E+11")],
    ),
    "types abbreviated behind the heading": (
        "Vorname;Name;E-Mail (privat);Telefon (geschäftl.);Mobil privat;Fax dienstl.\nAda;Lee;a@x.de;1;2;3",
        ["name.given", "fullname", "email:home", "phone:work", "phone:cell:home", "phone:fax:work"],
        [("Ada Lee", "a@x.de", "1", "2", "3")],
    ),
    "types before and behind the heading": (
        "Person - Name,Person - Email - Work,General mobile,workFax,Other Email,Phone (iPhone)\nAda,a@x.org,1,2,b@x.org,3",
        ["fullname", "email:work", "phone:cell", "phone:fax:work", "email:other", "phone:cell"],
        [("Ada", "a@x.org", "b@x.org", "1", "2", "3")],
    ),
    "headings that end in what is a heading, too": (
        "Name,Personal Number,Business Name,Work Notes,Workshop\nAda,1,2,3,4",
        ["fullname", None, None, None, None],
        [("Ada",)],
    ),
    "numbers under a type alone": (
        "First,Last,Home,Work,Mobile,Other\nAda,Lee,1,2,3,4",
        ["name.given", "name.surname", "phone:home", "phone:work", "phone:cell", "phone:other"],
        [("Ada Lee", "1", "2", "3", "4")],
    ),
    "a type alone without a column for mobile numbers": (
        "Name,Home,Work\nAda,Rome,Acme",
        ["fullname", None, None],
        [("Ada",)],
    ),
    "Polish in Windows-1250": (
        "Imię;Nazwisko;Telefon służbowy\nŁukasz;Żak;1".encode("cp1250"),
        ["name.given", "name.surname", "phone:work"],
        [("Łukasz Żak", "1")],
    ),
    "Outlook in Portuguese": (
        "Nome;Apelido;Telefone da Residência;Endereço de Correio Electrónico\nJoão;Silva;1;j@x.pt",
        ["name.given", "name.surname", "phone:home", "email"],
        [("João Silva", "j@x.pt", "1")],
    ),
    "a surname under Name": (
        "Name;Vorname\nMüller;Jörg\nJörg Müller;Jörg\nMüller;\n;Jörg",
        ["fullname", "name.given"],
        [
            ("Jörg Müller",),
            ("Jörg Müller",),
            ("Müller",),
            ("Jörg", "The row has no full name; it was made of N."),
        ],
    ),
    "Chinese names in two columns": (
        "First Name,Last Name,Phone 1 - Value\n小明,王,1",
        ["name.given", "name.surname", "phone#1"],
        [("王小明", "1")],
    ),
    "a router's numbers": (
        "Name;Telefonnummer (privat);Telefonnummer (mobil)\nEva;0221;0171",
        ["fullname", "phone:home", "phone:cell"],
        [("Eva", "0221", "0171")],
    ),
}


def seen(entry):
    if entry.card is None:
        return entry.reason
    values = [each["address"] for each in entry.card.get("emails", {}).values()]
    values += [each["number"] for each in entry.card.get("phones", {}).values()]
    return (entry.card["name"]["full"], *values, *entry.notes)


@pytest.mark.parametrize("name", TABLES)
def test_a_table(name):
    text, targets, rows = TABLES[name]
    content = text if isinstance(text, bytes) else text.encode()
    table = read_table(content, today=TODAY)
    assert looks_like(content)
    assert [column["target"] for column in table.described()] == targets
    assert [seen(entry) for entry in table.entries()] == rows


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Name;Adresse;PLZ;Ort\nAda;Weg 1;50667;Köln", {"name": "Weg 1", "postcode": "50667", "locality": "Köln"}),
        ("Name,Home Address,Home City\nAda,Way 1,York", {"name": "Way 1", "locality": "York"}),
        ("Name;Straße;Hausnummer;Ort\nAda;Weg;1;Köln", {"name": "Weg 1", "locality": "Köln"}),
        ("Name;Hausnummer;Ort\nAda;1;Köln", {"name": "1", "locality": "Köln"}),
        ("Name,street (business),ZIP code (business)\nAda,Way 1,1", {"name": "Way 1", "postcode": "1"}),
    ],
)
def test_the_parts_of_an_address(text, address):
    (entry,) = read_table(text.encode(), today=TODAY).entries()
    (found,) = entry.card["addresses"].values()
    assert {part["kind"]: part["value"] for part in found["components"]} == address
    assert "full" not in found


def test_accounts_and_people_in_columns_of_their_own():
    (entry,) = read_table(b"Name,Skype ID,Twitter,Reports To\nAda,ada.sk,@ada,Max\n", today=TODAY).entries()
    services = {service["service"]: service["user"] for service in entry.card["onlineServices"].values()}
    assert services == {"Skype": "ada.sk", "Twitter": "@ada"}
    assert entry.card["relatedTo"] == {"Max": {"relation": {}, "vCardName": "x-manager"}}


def test_quotes_around_groups_are_left_out():
    (entry,) = read_table(b'Name,Tags\nAda,"""vip"",""a b"""\n', today=TODAY).entries()
    assert entry.card["keywords"] == {"vip": True, "a b": True}


def test_the_columns_of_a_table_without_headings_have_numbers_to_map_them_by():
    content = b"Ann Lee,ann@x.org\nBob,b@x.org\n"
    table = read_table(content, today=TODAY, mapping={"Column 1": "fullname", "Column 2": "email"})
    assert [seen(entry) for entry in table.entries()] == [("Ann Lee", "ann@x.org"), ("Bob", "b@x.org")]


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"Ann Lee\nBob\n", True), (b"PK\x03\x04\0\0", False), (b"\x89PNG\r\n\x1a\n\0", False), (b"", False)],
)
def test_a_list_of_one_column_is_a_table_where_the_caller_says_so(content, told):
    assert (looks_like(content), looks_like(content, told=True)) == (False, told)
