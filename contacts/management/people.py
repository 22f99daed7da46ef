"""Plausible random people for demonstrations and load tests, the same ones for the same seed."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from contacts.cards.folding import fold

# Names that come first, names that come second, the start of phone numbers that are reserved or unassigned, and the
# top-level domain.
CULTURES = [
    (
        "Oliver Amelia George Isla Harry Ava Noah Emily Jack Sophie Charlie Grace Thomas Chloe James Freya",
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker Hughes O’Neill",
        "+44 20 7946 0",
        "co.uk",
    ),
    (
        "Łukasz Zofia Paweł Małgorzata Stanisław Agnieszka Michał Żaneta Grażyna Wojciech Święcisława Jan",
        "Kowalski Wiśniewska Wójcik Kamińska Żółkiewski Dąbrowska Kozłowski Jankowska Świątek Zając Król",
        "+48 22 555 0",
        "pl",
    ),
    (
        "Іван Олена Андрій Марія Тарас Наталія Богдан Софія Юрій Оксана Єва Ігор",
        "Шевченко Коваленко Бондаренко Ткаченко Франко Мельник Ґалаґан Їжакевич Поліщук Савченко Лисенко",
        "+380 44 555 0",
        "ua",
    ),
    (
        "Zoë Björn Åsa Søren Ingrid Øyvind Astrid Gustav Märta Jørgen Solveig Håkan",
        "Ångström Lindqvist Kjærgaard Øverland Bergström Sjöberg Nørgård Guðmundsdóttir Hämäläinen Dahl Lund",
        "+46 8 555 0",
        "se",
    ),
    (
        "François Chloé Étienne Amélie Jérôme Zoé Benoît Hélène Loïc Anaïs Gaël Océane",
        "Lefèvre Dubois Moreau Garçon Bérenger Castaño L’Hôpital Martin Bœuf Noël Giraud Rousseau",
        "+33 1 99 00 ",
        "fr",
    ),
    (
        "José María Íñigo Lucía Joaquín Concepción Ángel Begoña Martín Núria Raúl Inés",
        "García Martínez Peña Ibáñez Núñez López Muñoz Sánchez Gonçalves Araújo Fernández Quiñones",
        "+34 900 555 ",
        "es",
    ),
    (
        "Jürgen Käthe Wolfgang Änne Günther Lieselotte Björn Jörg Sabine Uwe Heike Ute",
        "Müller Schröder Weiß Jäger Groß Köhler König Fuß Böhm Krüger Bäcker Schäfer",
        "+49 30 23125 ",
        "de",
    ),
    (
        "Ömer Ayşe Çağlar Gülşen İbrahim Işıl Şükrü Zeynep Uğur Elif Yiğit Özlem",
        "Yılmaz Çelik Şahin Öztürk Demir Kılıç Doğan Işık Güneş Aydın Koç Çağlar",
        "+90 212 555 0",
        "tr",
    ),
    (
        "Ελένη Γιώργος Μαρία Κώστας Σοφία Νίκος Αικατερίνη Δημήτρης Άννα Θανάσης",
        "Παπαδόπουλος Νικολάου Οικονόμου Γεωργίου Παππάς Ιωάννου Δήμου Βασιλείου Χατζής",
        "+30 21 0555 0",
        "gr",
    ),
    (
        "Tomáš Kateřina Jiří Žofie Ondřej Ľudmila Matúš Božena Štěpán Zdeňka Miloš Růžena",
        "Dvořák Novotná Svoboda Černý Procházková Kučera Ďuriš Šťastný Němec Říha Horváthová",
        "+420 255 500 ",
        "cz",
    ),
    (
        "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Đặng Bùi Đỗ Hồ",
        "Thị_Hương Văn_Minh Đức_Anh Thùy_Linh Quốc_Bảo Ngọc_Ánh Hữu_Phước Kim_Yến Thanh_Tùng Mỹ_Duyên",
        "+84 24 5550 ",
        "vn",
    ),
    (
        "田中 佐藤 鈴木 高橋 伊藤 渡辺 山本 中村 小林 加藤",
        "さくら 太郎 花子 健一 ひかり 翔太 美咲 大輔 愛子 直樹",
        "+81 3 5550 0",
        "jp",
    ),
    ("김 이 박 최 정 강 조 윤 장 임", "민준 서연 지훈 수빈 현우 지민 예은 준호 하윤 도윤", "+82 2 555 0", "kr"),
    ("王 李 张 刘 陈 杨 黄 赵 吴 周", "伟 芳 娜 秀英 敏 静 强 磊 洋 小龙", "+86 10 5550 0", "cn"),
    (
        "محمد فاطمة أحمد عائشة علي مريم حسن زينب يوسف نور",
        "الفارسي العلي الحسن السيد منصور حداد نجار خوري",
        "+971 4 555 0",
        "ae",
    ),
    ("דנה יוסף מיכל אבי רות נועם תמר אורי יעל איתן", "לוי כהן מזרחי פרץ ביטון דהן אברהם פרידמן", "+972 3 555 0", "il"),
    ("प्रिया राहुल अनिता विजय सुनीता अमित नेहा संजय", "शर्मा वर्मा गुप्ता सिंह पटेल रेड्डी जोशी मेहता", "+91 11 5550 0", "in"),
    ("กานดา สมชาย มาลี ประเสริฐ วิไล อนันต์ สุดา ธนา", "ศรีสุข วงศ์ใหญ่ แก้วมณี ทองดี บุญมา รักไทย", "+66 2 555 0", "th"),
    (
        "Ngozi Chidi Adaeze Emeka Wanjiku Kamau Thandiwe Sipho Amina Kwame Abena Yaw",
        "Okafor Adeyemi Mwangi Odhiambo Dlamini Nkosi Mensah Owusu Balogun Eze Diallo Ọláyínká",
        "+234 1 555 0",
        "ng",
    ),
    (
        "Ștefania Țuțu Ioana Răzvan Đorđe Maja Ivana Željko Jānis Rasa Ágnes Győző",
        "Țurcanu Popescu Petrović Horvat Šimić Bērziņš Žemaitytė Szőke Nagy Kovács Ionescu",
        "+40 21 555 0",
        "ro",
    ),
]
GROUPS = ["Family", "Friends", "Work", "Neighbours", "Choir", "Football", "Book club", "Doctors", "School"]
NOTES = [
    "Met at the station",
    "Prefers to be called in the evening",
    "Has the spare key",
    "Plays the cello",
    "Allergic to nuts",
    "Neighbour’s cousin",
    "Works from home on Fridays",
    "Знайомі з університету",
    "Kennengelernt im Chor",
    "Boulangerie du coin",
    "京都で会った",
    "Vegetarian; two children, a dog named Миша",
]
OLDEST = date(1935, 1, 1)
DAYS = 28_000  # birthdays are within so many days after it


def people(seed: str) -> Iterator[dict[str, Any]]:
    """Yield people without end, as flat fields and `groups`."""
    chance = random.Random(seed)  # noqa: S311 # nosec B311
    while True:
        yield person(chance)


def person(chance: random.Random) -> dict[str, Any]:
    first, last, number, domain = chance.choice(CULTURES)
    names = f"{chance.choice(first.split())} {chance.choice(last.split())}".replace("_", " ")
    born = OLDEST + timedelta(days=chance.randrange(DAYS))
    return {
        "fullname": f"{names} {chance.choice('ABCDEFGHJKLMNPRSTW')}." if chance.random() < 0.1 else names,
        "email": address(chance, names, domain) if chance.random() < 0.85 else None,
        "phone": f"{number}{chance.randrange(1000):03}" if chance.random() < 0.9 else None,
        "birthday": born if chance.random() < 0.8 else None,
        "additional": chance.choice(NOTES) if chance.random() < 0.3 else None,
        "groups": chance.sample(GROUPS, chance.choice((1, 1, 2))) if chance.random() < 0.4 else [],
    }


def address(chance: random.Random, names: str, domain: str) -> str:
    """Return an address under a domain reserved for examples (RFC 2606), with the name in it if that is ASCII."""
    plain = ".".join("".join(filter(str.isalnum, word)) for word in fold(names).split())
    if not plain.isascii():
        plain = f"{domain}{chance.randrange(10**5):05}"
    return f"{plain}{chance.randrange(100)}@example.{chance.choice(('com', 'net', 'org'))}"
