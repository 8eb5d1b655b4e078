"""Values that facts state and answers copy: one function a type, `VALUES[type](draw) -> str`.

A value never holds the preposition before it ("opens at {v}"), always its unit, and reads the same in
the middle of a sentence and as a whole answer.
"""
from . import words as w


def number(d):
    x = d.random()
    if x < 0.45:
        return str(d.between(2, 99))
    if x < 0.7:
        return d.pick(w.NUMBER_WORDS)
    if x < 0.9:
        return str(d.between(100, 999))
    return f"{d.between(1, 40)},{d.between(0, 999):03d}"


def small(d):
    return str(d.between(2, 30)) if d.chance(0.5) else d.pick(w.NUMBER_WORDS)


def price(d):
    n = d.between(2, 99) if d.chance(0.75) else d.between(100, 2500)
    x = d.random()
    if x < 0.3:
        return f"{n} euros"
    if x < 0.45:
        return f"{n} dollars"
    if x < 0.55:
        return f"{n} pounds"
    if x < 0.7:
        return f"${n}"
    if x < 0.8:
        return f"{n}.{d.between(1, 19) * 5:02d} euros"
    if x < 0.9:
        return f"${n}.{d.between(1, 19) * 5:02d}"
    return f"{d.pick(w.NUMBER_WORDS)} {d.pick(('euros', 'dollars', 'coins', 'pounds', 'crowns'))}"


_UNITS = ("minutes", "hours", "days", "weeks", "months", "years", "seconds", "minutes", "hours", "days",
          "working days", "business days", "full days", "nights")


def duration(d):
    return f"{small(d)} {d.pick(_UNITS)}" if d.chance(0.93) else d.pick(
        ("half an hour", "one year", "one week", "a whole day", "one month", "half a day", "a full minute",
         "one hour", "an hour and a half", "a quarter of an hour"))


def seconds(d):
    return f"{small(d)} {d.pick(('seconds', 'seconds', 'minutes'))}"


def days(d):
    return f"{small(d)} {d.pick(('days', 'days', 'weeks', 'working days', 'months', 'business days'))}"


def years(d):
    return f"{small(d)} {d.pick(('years', 'years', 'months'))}"


def period(d):
    return d.pick(("day", "week", "month", "year", "two weeks", "three months", "six months", "two years",
                   "spring", "autumn", "Monday", "Friday", "ten days", "four weeks", "evening", "morning"))


def time(d):
    x = d.random()
    if x < 0.35:
        return f"{d.between(5, 23)}:{d.between(0, 11) * 5:02d}"
    if x < 0.6:
        return f"{d.between(1, 12)} {d.pick(('am', 'pm'))}"
    if x < 0.75:
        return f"{d.between(1, 12)}:{d.pick(('15', '30', '45'))} {d.pick(('am', 'pm'))}"
    hour = d.pick(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"))
    if x < 0.85:
        return f"{hour} o'clock"
    return d.pick((f"half past {hour}", f"quarter to {hour}", f"ten past {hour}", "noon", "midnight",
                   f"{hour} in the morning", f"{hour} in the evening"))


def hours(d):
    a, b = d.between(6, 11), d.between(1, 10)
    return d.pick((f"{a} am to {b} pm", f"{a}:00 to {b + 12}:00", f"{a}:30 to {b + 12}:30",
                   f"{a} in the morning to {b} in the evening", f"{a} to {b + 12}"))


def frequency(d):
    """How often, whole: "every nine months", "once a week", "every second Monday"."""
    x = d.random()
    if x < 0.5:
        return f"every {small(d)} {d.pick(('days', 'weeks', 'months', 'years', 'hours', 'minutes'))}"
    if x < 0.75:
        times = d.pick(("once", "twice", "three times", "four times", "five times", "ten times"))
        return f"{times} {d.pick(('a day', 'a week', 'a month', 'a year', 'an hour', 'a night'))}"
    if x < 0.85:
        return f"every {d.pick(('day', 'week', 'month', 'year', 'night', 'morning', 'evening', 'hour'))}"
    if x < 0.95:
        return f"every {d.pick(('', 'second ', 'third ', 'other '))}{d.pick(w.DAYS + w.MONTHS + ('week', 'day', 'month'))}"
    return f"{d.pick(('each', 'every'))} {d.pick(('spring', 'summer', 'autumn', 'winter'))}"


def weekday(d):
    return d.pick(w.DAYS)


def weekdays(d):
    a = d.between(0, 6)
    b = (a + d.between(1, 5)) % 7
    return f"{w.DAYS[a]} {d.pick(('to', 'and', 'and'))} {w.DAYS[b]}"


def date(d):
    x = d.random()
    month = d.pick(w.MONTHS)
    if x < 0.4:
        return f"{d.between(1, 28)} {month}"
    if x < 0.7:
        return f"{month} {d.between(1, 28)}"
    return f"{d.between(1, 28)} {month} {d.between(1850, 2030)}"


def month(d):
    return d.pick(w.MONTHS)


def year(d):
    return str(d.between(1700, 2035))


def percent(d):
    n = d.between(2, 98)
    return d.pick((f"{n}%", f"{n} percent", f"{d.pick(w.NUMBER_WORDS)} percent"))


def code(d):
    letters = "ABCDEFGHKLMNPRSTUVWXYZ"
    x = d.random()
    n = d.code_number(1, 99) if x < 0.5 else d.code_number(100, 9999)
    a, b = d.pick(letters), d.pick(letters)
    return (f"{a}-{n}", f"{a}{b}-{n}", f"{a}{b}{n}", f"{a}{n}{b}", f"{n}-{a}", f"{a}{n}",
            f"{d.name().upper()[:5]}-{n}", f"{n}{a}")[int(d.random() * 8)]


def pin(d):
    return str(d.code_number(1000, 99999))


def phone(d):
    x = d.random()
    if x < 0.4:
        return f"0{d.between(100, 999)} {d.between(100, 999)} {d.code_number(100, 999)}"
    if x < 0.7:
        return f"555-{d.code_number(1000, 9999)}"
    return f"{d.between(10, 99)} {d.between(10, 99)} {d.code_number(10, 99)}"


def email(d):
    box = d.pick(("help", "info", "sales", "office", "jobs", "press", "team", "hello", "orders", "service", "mail"))
    if d.chance(0.5):
        box = d.word()
    return f"{box}@{d.word() if d.chance(0.5) else d.pick(w.COMMON)}.{d.pick(('example', 'com', 'org', 'net', 'example'))}"


def site(d):
    tail = d.pick(("", "", "/help", "/start", "/rules", "/map", "/form"))
    return f"{d.word() if d.chance(0.5) else d.pick(w.COMMON)}.{d.pick(('example', 'com', 'org', 'net'))}{tail}"


def person(d):
    x = d.random()
    if x < 0.25:
        return d.name()
    if x < 0.55:
        return d.pick(w.FIRST_NAMES)
    if x < 0.8:
        return f"{d.pick(w.FIRST_NAMES)} {d.pick(w.COMMON).capitalize() if d.chance(0.5) else d.name()}"
    return f"{d.name()} {d.pick(w.COMMON).capitalize() if d.chance(0.5) else d.name()}"


def town(d):
    x = d.random()
    if x < 0.55:
        return d.name()
    if x < 0.65:
        return f"{d.name()} {d.pick(w.TOWN_TAILS)}"
    if x < 0.75:
        return d.pick(w.COMMON).capitalize() + d.pick(("ton", "ville", "ford", "field", " Hill", " Bay", "wood", " Falls"))
    return d.pick(("{} Bay", "Port {}", "New {}", "{} Falls", "Lake {}", "{}ton", "{} Hill", "North {}",
                   "{}ville", "Mount {}")).format(d.name())


def address(d):
    return f"{d.between(1, 199)} {d.name() if d.chance(0.6) else d.pick(w.NOUNS).title()} {d.pick(w.STREETS)}"


def place(d):
    x = d.random()
    noun = d.pick(w.PLACES) if d.chance(0.5) else d.pick(w.ROOMS)
    if x < 0.6:
        return f"the {noun}"
    if x < 0.75:
        return f"the {d.pick(w.ADJECTIVES)} {noun}"
    if x < 0.85:
        return f"{d.pick(('room', 'hall', 'building', 'floor', 'block', 'gate'))} {d.between(1, 60)}"
    return f"the {noun} of {d.name()}"


def spot(d):
    """Where something is, with its preposition."""
    x = d.random()
    if x < 0.4:
        return d.pick(w.SPOTS)
    if x < 0.9:
        return _spot(d)
    return f"{_spot(d)} {d.pick(('or', 'and'))} {_spot(d)}"


def _spot(d):
    preposition = d.pick(("under", "on", "behind", "beside", "above", "below", "near", "next to", "inside", "in front of",
                          "on top of", "opposite"))
    x = d.random()
    noun = d.pick(w.PARTS) if x < 0.4 else d.pick(w.NOUNS) if x < 0.7 else d.pick(w.ROOMS)
    return f"{preposition} the {noun}" if d.chance(0.6) else f"{preposition} the {_kind(d)} {noun}"


def _kind(d):
    return d.pick(d.pick((w.ADJECTIVES, w.COLOURS, w.MATERIALS)))


def fault(d):
    """A clause on what is wrong."""
    part = d.pick(w.PARTS) if d.chance(0.7) else d.pick(w.DEVICES)
    return f"the {part if d.chance(0.7) else f'{_kind(d)} {part}'} {d.pick(w.FAULTS)}"


def colour(d):
    return d.pick(w.COLOURS)


def material(d):
    return d.pick(w.MATERIALS) if d.chance(0.9) else f"{d.pick(w.ADJECTIVES)} {d.pick(w.MATERIALS)}"


def thing(d):
    x = d.random()
    noun = d.pick(w.NOUNS)
    if x < 0.3:
        adjective = d.pick(w.ADJECTIVES)
        return f"{'an' if adjective[0] in 'aeiou' else 'a'} {adjective} {noun}"
    if x < 0.5:
        return f"the {noun}" if d.chance(0.5) else f"the {d.pick(w.COLOURS)} {noun}"
    if x < 0.75:
        return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
    return f"{d.pick(w.NUMBER_WORDS)} {d.pick(w.PLURALS)}"


def plural(d):
    return d.pick(w.PLURALS) if d.chance(0.6) else f"{d.pick(w.ADJECTIVES)} {d.pick(w.PLURALS)}"


def food(d):
    x = d.random()
    if x < 0.6:
        return d.pick(w.FOODS)
    if x < 0.8:
        return f"{d.pick(w.FOODS)} with {d.pick(w.FRUIT)}"
    return f"{d.pick(w.FOODS)} and {d.pick(w.DRINKS)}"


def drink(d):
    return d.pick(w.DRINKS)


def animal(d):
    x = d.pick(w.ANIMALS)
    return f"{'an' if x[0] in 'aeiou' else 'a'} {x}" if d.chance(0.6) else f"a {d.pick(w.COLOURS)} {x}"


def job(d):
    x = d.pick(w.JOBS)
    return f"{'an' if x[0] in 'aeiou' else 'a'} {x}"


def hobby(d):
    return d.pick(w.HOBBIES)


def subject(d):
    return d.pick(w.SUBJECTS)


def instrument(d):
    return f"the {d.pick(w.INSTRUMENTS)}"


def button(d):
    return f"the {d.pick(w.BUTTONS)}"


def department(d):
    return f"the {d.pick(w.DEPARTMENTS)}"


def _measure(d, low, high):
    """A number of a measurement, one in three with a decimal."""
    if d.chance(0.35):
        return f"{d.between(0, 39)}.{d.between(1, 9)}"
    return str(d.between(low, high))


def weight(d):
    return f"{_measure(d, 1, 90)}{d.pick((' kilograms', ' grams', ' kg', ' tons', ' pounds'))}"


def length(d):
    return f"{_measure(d, 2, 900)} {d.pick(('metres', 'centimetres', 'kilometres', 'miles', 'feet', 'cm', 'km'))}"


def temperature(d):
    return f"{d.between(2, 95)} {d.pick(('degrees', 'degrees', 'degrees Celsius'))}"


def power(d):
    return f"{_measure(d, 2, 990)} {d.pick(('watts', 'volts', 'litres', 'amps', 'bars', 'kilowatts', 'megabytes'))}"


def invented(d):
    return d.word()


def brand(d):
    x = d.random()
    name = d.name() if d.chance(0.6) else d.pick(w.COMMON).capitalize()
    if x < 0.6:
        return name
    if x < 0.8:
        return f"{name} {d.between(2, 90)}"
    return f"{name} {d.pick(w.COMMON).capitalize() if d.chance(0.6) else d.name()}"


def title(d):
    return d.pick(("The {} {}", "{} and the {}", "A {} for {}", "The {} of {}")).format(
        d.pick(w.ADJECTIVES).title(), d.name())


def phrase(d):
    """Two to five ordinary words."""
    x = d.random()
    if x < 0.5:
        return f"{d.pick(w.ADJECTIVES)} {d.pick(w.PLURALS)}"
    if x < 0.8:
        return f"{d.pick(w.PLURALS)} and {d.pick(w.PLURALS)}"
    return f"{d.pick(w.ADJECTIVES)} {d.pick(w.PLURALS)} and {d.pick(w.ADJECTIVES)} {d.pick(w.PLURALS)}"


def document(d):
    return d.pick(("a valid passport", "the receipt", "a student card", "the order number", "a signed form",
                   "a photo of the damage", "the serial number", "a letter from a doctor", "the blue card",
                   "a bank statement", "a copy of the bill", "the first page of the contract", "a library card",
                   "two photographs", "the yellow form", "a proof of address", "the original box",
                   "a written request", "a parking ticket", "the booking code"))


def action(d):
    verb = d.pick(("press {b}", "hold {b} for {s}", "turn {b} to the left", "turn {b} twice", "pull out {t}",
                   "lift {t}", "remove {t}", "wait {s}", "wipe {t} with a {a} cloth", "push {b} three times",
                   "fill it with {a} water", "unplug {t}", "open {t} and press {b}", "shake it for {s}",
                   "call {dep}", "write to {dep}", "ask {dep}", "fill in {f}", "send {doc} to {dep}",
                   "show {doc}", "tap {b} and wait {s}", "slide {b} to the right", "replace {t}",
                   "put {t} back", "rinse it with warm water", "switch it off for {s}"))
    return verb.format_map(_Parts(d))


def verdict(d):
    return d.pick(("allowed", "not allowed", "forbidden", "free of charge", "only allowed with a ticket", "always allowed",
                   "never allowed", "allowed after six", "only possible on Sunday", "possible", "not possible",
                   "allowed with a permit"))


def method(d):
    return d.pick(("by bank card", "in cash", "by bank transfer", "by phone", "by letter", "on the web site", "in the app",
                   "at the front desk", "by e-mail", "with a gift card", "at the counter", "by direct debit",
                   "with the yellow form", "by mail", "in three parts", f"through {department(d)}", f"on {site(d)}"))


def condition(d):
    return d.pick(("when it rains", "after a repair", "if the light is red", "during the week", "at the weekend",
                   "when the door is open", "after the first payment", "if nobody is at home", "when the battery is low",
                   "with a valid ticket", "in the summer months", "if it was opened", "when the power fails",
                   "if you have lost the receipt", "before the first use", f"after {duration(d)}", f"above {temperature(d)}",
                   f"when you press {button(d)}", f"if {d.pick(w.PLURALS)} are missing"))


def reason(d):
    return d.pick(REASONS)


REASONS = ("the train was late", "the old one was broken", "it was too cold", "the shop was closed",
           "the price was too high", "nobody was at home", "the rain did not stop", "the light was too weak",
           "the children were hungry", "it was a birthday present", "the road was blocked", "the battery was empty",
           "the guests were early", "it made too much noise", "the key did not fit", "a window was open",
           "the floor is wet", "the workers are on holiday", "too few people came", "the roof must be repaired",
           "new rules were made", "the maker went out of business", "there was a fire", "the paint is still wet")


class _Parts:
    """Parts of an action, drawn only when the sentence asks for them."""

    def __init__(self, d):
        self.d = d

    def __getitem__(self, key):
        d = self.d
        if key == "b":
            return button(d)
        if key == "s":
            return seconds(d)
        if key == "a":
            return d.pick(("soft", "dry", "warm", "cold", "clean", "damp", "wet"))
        if key == "dep":
            return department(d)
        if key == "f":
            return d.pick(("the yellow form", "the first page", "the order form", "the blue card", "a complaint form"))
        if key == "doc":
            return document(d)
        return f"the {d.pick(w.NOUNS)}"


VALUES = {f.__name__: f for f in (
    number, small, price, duration, seconds, days, years, period, time, hours, frequency, weekday, weekdays, date, month, year,
    percent, code, pin, phone, email, site, person, town, address, place, spot, colour, material, thing, plural,
    food, drink, animal, job, hobby, subject, instrument, button, department, weight, length, temperature, power,
    invented, brand, title, phrase, document, action, verdict,
    method, condition, reason, fault)}
