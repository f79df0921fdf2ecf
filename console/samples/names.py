"""Names for sample sessions, in various scripts and lengths, like real ones."""

ORGANIZATIONS = (
    "Harbour Academy",
    "Müller & Söhne Beratung",
    "Northwind Clinic",
    "株式会社みなと",
    "Open Kitchen e.V.",
)

TITLES = (
    "Algebra II, lesson 14",
    "Weekly planning",
    "Consultation, room 3",
    "Interview: platform engineer",
    "Кулинарный мастер-класс",
    "新入社員オリエンテーション",
    "Town hall / Q&A",
    "Cours de français — niveau B1",
    "Design review 🎨",
    "Budget 2027: open points",
)

PEOPLE = (
    "Ana Ruiz",
    "Ben O’Neill 🎸",  # noqa: RUF001 - typed by phones
    "Chiara D'Angelo",
    "Dmitri Иванов",
    "Élodie Lefèvre",
    "Farid حسين",
    "Grace Hopper-Lovelace",
    "花子 田中",
    "Ingrid Åström",
    "Jamal Washington Jr.",
    "Kemi Adéṣínà",
    "Lê Thị Mai",
)
