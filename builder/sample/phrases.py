"""The words of the mini-web: its topics, its question types and the text that does not belong on its pages."""

from dataclasses import dataclass

TOPICS = (
    "apples",
    "bells",
    "blankets",
    "boots",
    "drums",
    "flutes",
    "globes",
    "hammers",
    "kites",
    "ladders",
    "lamps",
    "masks",
    "mugs",
    "pears",
    "pianos",
    "pillows",
    "ribbons",
    "scarves",
    "skates",
    "spoons",
    "stamps",
    "vases",
    "wagons",
    "watches",
)


@dataclass(frozen=True)
class QuestionType:
    """One thing to say about a topic; `{t}` is the topic, `{f}` and `{g}` the two facts.

    Attributes:
        heading: Stands above a section of this type.
        instruction: The question such a section answers.
        sentences: Six sentences without full stop, in their usual order.
        first: The values fact `{f}` can have.
        second: The values fact `{g}` can have.
    """

    heading: str
    instruction: str
    sentences: tuple[str, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]


TYPES = {
    "store": QuestionType(
        "Storing {t}",
        "Where should I keep {t}?",
        (
            "Most {t} stay fine in a {f} without sunlight",
            "Leave some air between the {t} on the shelf",
            "Damp rooms are bad for {t} in autumn",
            "Well packed {t} survive {g} without harm",
            "Old newspaper keeps moths off the {t}",
            "Look at the {t} again when spring comes",
        ),
        ("cellar", "drawer", "basket", "loft", "trunk", "barn", "closet", "garage"),
        ("two weeks", "a month", "one winter", "one summer", "five years", "ten nights", "half a year", "six seasons"),
    ),
    "clean": QuestionType(
        "Cleaning {t}",
        "How do I clean {t}?",
        (
            "Shake loose dirt off the {t} outside",
            "Mix {f} with lukewarm water for dirty {t}",
            "Rub the {t} gently with {g}",
            "Rinse everything and wait until the {t} are dry",
            "Strong acid ruins {t} within minutes",
            "Polished {t} look new for a long time",
        ),
        ("vinegar", "soda", "salt", "soap", "lemon", "starch", "ash", "clay"),
        (
            "a soft brush",
            "an old sock",
            "a wet sponge",
            "a paper towel",
            "fine sand",
            "a cotton rag",
            "warm bread",
            "a goose feather",
        ),
    ),
    "choose": QuestionType(
        "Choosing {t}",
        "Which {t} should I buy?",
        (
            "Hold the {t} against the light before paying",
            "Good {t} feel {f} in the hand",
            "Many experts trust {t} from {g}",
            "Compare at least three {t} side by side",
            "Ask when the {t} were delivered",
            "Nobody regrets {t} picked with patience",
        ),
        ("smooth", "firm", "heavy", "cool", "light", "dense", "springy", "silky"),
        ("Finland", "Brazil", "Ireland", "Nepal", "Cuba", "Poland", "Oman", "Chile"),
    ),
    "mend": QuestionType(
        "Mending {t}",
        "Can I mend broken {t}?",
        (
            "Find out first where the {t} are broken",
            "You need {f} and a steady hand for {t}",
            "Small cracks in {t} can be filled with wax",
            "Beginners repair {t} in {g}",
            "Let the mended {t} rest overnight",
            "A workshop takes {t} that are beyond help",
        ),
        ("glue", "wire", "tape", "thread", "nails", "clamps", "resin", "solder"),
        (
            "ten minutes",
            "an hour",
            "one evening",
            "two days",
            "a weekend",
            "half a day",
            "one morning",
            "a full week",
        ),
    ),
    "origin": QuestionType(
        "The story of {t}",
        "Where do {t} come from?",
        (
            "Nobody knows who made the first {t}",
            "Early {t} were dug up in {f}",
            "Ships brought {t} to every harbour",
            "A {g} wrote a famous book about {t}",
            "Factories made {t} cheap and common",
            "Some museums show {t} from that age",
        ),
        ("Egypt", "China", "Persia", "Greece", "India", "Mexico", "Turkey", "Italy"),
        ("monk", "sailor", "painter", "nurse", "farmer", "poet", "baker", "soldier"),
    ),
    "price": QuestionType(
        "The price of {t}",
        "How much do {t} cost?",
        (
            "Simple {t} sell for around {f} coins",
            "Collectors pay {g} coins for signed {t}",
            "Prices of {t} climb before the holidays",
            "Used {t} go for half the money",
            "Markets offer {t} cheaper than shops",
            "Save a little each week for better {t}",
        ),
        ("two", "three", "four", "five", "six", "seven", "eight", "nine"),
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
    ),
    "post": QuestionType(
        "Sending {t} by post",
        "How can I post {t}?",
        (
            "Wrap all {t} in {f} before packing them",
            "Take a box that leaves room around the {t}",
            "Write fragile on parcels with {t} inside",
            "Sending {t} to {g} takes longest",
            "Weigh the {t} before you stick the label on",
            "Insure {t} that can not be replaced",
        ),
        ("paper", "straw", "cloth", "foam", "wool", "cotton", "cardboard", "felt"),
        ("Sweden", "Ghana", "Malta", "Canada", "Korea", "Iceland", "Kenya", "Bolivia"),
    ),
    "draw": QuestionType(
        "Drawing {t}",
        "How do I draw {t}?",
        (
            "Begin with faint circles where the {t} will be",
            "Use a {f} pencil for the edges of the {t}",
            "Study real {t} while you work",
            "Shadows under {t} look best in {g}",
            "Sketch several {t} of different sizes",
            "Sign the picture once the {t} are finished",
        ),
        ("soft", "hard", "red", "brown", "grey", "green", "blunt", "broad"),
        ("charcoal", "ink", "chalk", "violet", "blue", "pastel", "crayon", "silver"),
    ),
}

PROMOTION = (
    "Join our mailing list and get ten percent off",
    "Tap the banner to see all bargains of the week",
    "Put two in your cart and delivery is free",
    "Menu Shop Blog Account Help",
    "Like our channel for daily discounts",
    "We use cookies so that the shop works well",
    "All rights reserved by the owner of this site",
    "Tell your friends and win a voucher",
    "Create a free account in one minute",
    "Next article Previous article Back to start",
    "Only today everything must go",
    "Get the app and never miss a sale",
)

# Subjects, verbs and objects of sentences that are German in form and say nothing.
FOREIGN_SUBJECTS = ("der Nachbar", "die Tante", "das Pferd", "ein Kind", "die Schule", "der Winter", "mein Bruder")
FOREIGN_VERBS = ("bringt", "malt", "sucht", "vergisst", "kauft", "findet", "liebt", "verliert")
FOREIGN_OBJECTS = (
    "den Schlüssel",
    "die Brücke",
    "das alte Fenster",
    "einen Brief",
    "viele Steine",
    "den Garten",
    "kalte Suppe",
    "die Zeitung",
)
