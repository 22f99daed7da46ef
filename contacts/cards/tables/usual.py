"""What Outlook writes into columns of a contact that has nothing there: it says nothing and is dropped."""

from contacts.cards.folding import fold

# Gender, Priority, Sensitivity, Private and E-mail Type, in the languages of the headings.
WORDS = (
    *("Unspecified", "Normal", "False", "SMTP"),
    *("Keine Angabe", "Unspezifiziert", "Falsch", "Aus"),
    *("Non spécifié", "Normale", "Faux"),
    *("Sin especificar", "No especificado", "Falso"),
    *("Не вказано", "Звичайна", "Звичайний", "Звичайне", "Ні", "Хибність"),
)
FOLDED = frozenset(map(fold, WORDS))
LONGEST = max(map(len, WORDS))


def says_nothing(text: str) -> bool:
    return len(text) <= LONGEST and fold(text) in FOLDED
