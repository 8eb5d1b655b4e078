"""Skill "fluency": small talk, short stories and descriptions, and the main sentence of a text."""
from . import contexts, values
from . import words as w
from .episode import Trace, chat, plain

SKILL = "fluency"
_TALK = (
    (("Hello!", "Hi!", "Good morning!", "Hello there.", "Hi, how are you?", "Good evening."),
     ("Hello! How can I help you?", "Hi! What can I do for you?", "Good day! How may I help?", "Hello, nice to meet you.")),
    (("How are you?", "How are you today?", "How is it going?"),
     ("I am fine, thank you.", "Very well, thank you. And you?", "I am well. How can I help?")),
    (("Thank you!", "Thanks a lot.", "Thank you for your help.", "That was helpful."),
     ("You are welcome.", "Gladly! Ask me again any time.", "You are welcome. Have a nice day!")),
    (("Goodbye!", "Bye!", "See you later.", "Good night."),
     ("Goodbye! Have a nice day.", "See you soon!", "Take care. Goodbye!")),
    (("Who are you?", "What are you?", "Are you a person?"),
     ("I am a small language model.", "I am a small assistant. I read short texts and answer questions.")),
    (("What can you do?", "How can you help me?", "What are you good at?"),
     ("I can read short passages and answer questions about them.", "I can answer from a text, sort messages and repeat words.")),
    (("Can you help me?", "I need some help.", "I have a question.", "May I ask something?"),
     ("Of course. What is your question?", "Sure, go ahead.", "Gladly. What do you need?")),
    (("I am sad today.", "I had a bad day.", "Nothing works today."),
     ("I am sorry to hear that. Tell me more.", "That sounds hard. I hope tomorrow is better.")),
    (("I am happy today.", "I had a great day!", "Everything went well today."),
     ("That is good to hear!", "I am glad. What made it so good?")),
    (("You are wrong.", "That is not right.", "I think that is a mistake."),
     ("I am sorry. Please show me the text again.", "Sorry about that. Which part is wrong?")),
    (("Wait a moment.", "One moment, please.", "Hold on."), ("Sure, take your time.", "Of course, I will wait.")),
    (("Are you there?", "Is anybody there?"), ("Yes, I am here. What do you need?", "Yes. How can I help?")),
)


def small_talk(d, turns):
    """Distinct (user, assistant) pairs."""
    return [(d.pick(users), d.pick(answers)) for users, answers in d.sample(_TALK, turns)]


def _talk(d):
    messages = []
    for user, answer in small_talk(d, d.between(2, 4)):
        messages += [("user", user), ("assistant", answer)]
    if d.chance(0.6):
        name = values.person(d)
        messages += [("user", d.pick(("My name is {}.", "I am {}.", "Call me {}.")).format(name)),
                     ("assistant", d.pick(("Nice to meet you, {}.", "Hello, {}! How can I help?", "Welcome, {}.")).format(name))]
        if d.chance(0.6):
            messages += [("user", d.pick(("What is my name?", "Do you know my name?"))), ("assistant", f"Your name is {name}.")]
    return chat(SKILL, messages)


_OPENINGS = ("One {day}, {p} went to {place}.", "{p} was {job} in {town}.", "There was once {job} called {p}.",
             "It was a {adj} morning in {town}.", "Every {day} {p} walked to {place}.", "{p} woke up at {time}.",
             "Long ago, {p} lived near {place}.", "In {month}, {p} came to {town}.", "{p} and {q} were good friends.",
             "On a {adj} day, {p} met {q} at {place}.")
_MIDDLES = ("{s} found {thing} on the way.", "{s} wanted to buy {thing}, but it cost {price}.", "There {s2} saw {animal}.",
            "{q} gave {p} {thing}.", "Suddenly it began to rain.", "{s} had lost {thing} {spot}.", "The door was locked.",
            "{q} asked for {food}.", "They ate {food} together.", "{s} looked for {q} at {place}.", "Nobody knew where {q} was.",
            "{s} waited for {dur}.", "The {noun} was {colour} and very {adj}.", "{animal2} came out of {place}.",
            "\"Where is {thing}?\" asked {q}.", "\"Take {thing} with you,\" said {q}.", "They talked about {hobby} for {dur}.",
            "{s} put {thing} in the bag.", "An old {jobn} showed them the way to {place}.", "{q} laughed and sang a song.",
            "{s} was tired and sat down.", "The wind was cold, so {s2} closed the window.")
_ENDINGS = ("In the end, {p} went home happy.", "{p} never forgot that day.", "After that, {p} and {q} met every {day}.",
            "At {time} everyone was asleep.", "{q} thanked {p} and waved goodbye.", "And so {p} kept {thing} for many years.",
            "That evening, {p} told the story to {q}.", "From then on, {p} was never afraid again.")


class _Scene:
    """The people and things of one story; what is not fixed is drawn afresh each time."""

    def __init__(self, d):
        self.d = d
        self.fixed = {"p": values.person(d), "q": values.person(d), "thing": values.thing(d), "place": values.place(d)}
        name = self.fixed["p"].split(" ")[0]
        he = name in w.HE or (name not in w.FIRST_NAMES and d.chance(0.5))
        self.fixed["s"], self.fixed["s2"] = ("He", "he") if he else ("She", "she")

    def __getitem__(self, key):
        if key in self.fixed:
            return self.fixed[key]
        d = self.d
        return {"day": values.weekday, "job": values.job, "town": values.town, "time": values.time, "month": values.month,
                "price": values.price, "animal": values.animal, "spot": values.spot, "food": values.food,
                "dur": values.duration, "colour": values.colour, "hobby": values.hobby,
                "adj": lambda e: e.pick(w.ADJECTIVES), "noun": lambda e: e.pick(w.NOUNS), "jobn": lambda e: e.pick(w.JOBS),
                "animal2": lambda e: values.animal(e).capitalize()}[key](d)


def story(d, length):
    scene = _Scene(d)
    parts = [d.pick(_OPENINGS)] + d.sample(_MIDDLES, length) + [d.pick(_ENDINGS)]
    sentences = [p.format_map(scene) for p in parts]
    return [s[0].upper() + s[1:] for s in sentences]


def _story(d):
    return plain(SKILL, " ".join(story(d, d.between(3, 8))))


def _told_story(d):
    asked = d.pick(("Tell me a story.", "Tell me a short story.", "Write a little story.", "Can you tell a story?"))
    return chat(SKILL, [("user", asked), ("assistant", " ".join(story(d, d.between(2, 4))))])


def _page(d):
    """Plain passages, as in a handbook."""
    return plain(SKILL, "\n".join(contexts.make(d, d.between(1, 3)).passages))


def _main_sentence(d):
    """Summaries by extraction: the sentence that the others explain comes first."""
    subject = d.pick(_SUBJECTS).format(p=values.person(d), q=values.person(d), place=values.place(d), town=values.town(d),
                                       day=values.weekday(d), thing=values.thing(d), price=values.price(d), time=values.time(d))
    subject = subject[0].upper() + subject[1:]
    text = " ".join([subject] + d.sample(contexts.FILLERS, d.between(1, 3)))
    asked = d.pick(("Summarise: {}", "Sum this up in one sentence: {}", "What is the main point? {}", "Give the main sentence: {}",
                    "Summarize the text in one sentence.\n\n{}", "In one sentence: {}"))
    return chat(SKILL, [("user", asked.format(text)), ("assistant", subject)], [Trace(subject, text)])


_SUBJECTS = ("{p} will open a new shop in {town}.", "The meeting at {place} was moved to {day}.", "{p} bought {thing} for {price}.",
             "{p} and {q} will travel to {town} on {day}.", "The price of the ticket rose to {price}.", "{place} is closed on {day}.",
             "{p} lost {thing} near {place}.", "All guests must leave {place} by {time}.", "The bus to {town} now leaves at {time}.",
             "{p} won {thing} in {town}.", "From {day} on, {p} leads the office in {town}.", "The bridge in {town} will be repaired.")
_REWRITES = (("{p} bought {thing}.", "{thing} was bought by {p}."), ("{p} found {thing}.", "{thing} was found by {p}."),
             ("{p} lives in {town}.", "The home of {p} is in {town}."), ("{p} wrote to {q}.", "{q} got a letter from {p}."),
             ("{p} sold {thing} to {q}.", "{q} bought {thing} from {p}."), ("{p} is {job}.", "{p} works as {job}."),
             ("It costs {price}.", "The price is {price}."), ("It starts at {time}.", "The start is at {time}."),
             ("{p} arrives on {day}.", "On {day}, {p} will arrive."))


def _rewrite(d):
    """The same said in other words."""
    messages = []
    for before, after in d.sample(_REWRITES, d.between(2, 4)):
        scene = _Scene(d)
        if scene.fixed["thing"].endswith("s"):
            scene.fixed["thing"] = f"the {d.pick(w.NOUNS)}"
        scene.fixed.update(town=values.town(d), job=values.job(d), price=values.price(d), time=values.time(d), day=values.weekday(d))
        a, b = before.format_map(scene), after.format_map(scene)
        asked = d.pick(("Rewrite: {}", "Say it in other words: {}", "Rephrase: {}", "Say this differently: {}"))
        messages += [("user", asked.format(a)), ("assistant", b[0].upper() + b[1:])]
    return chat(SKILL, messages)


_KINDS = ((_story, 0.32), (_told_story, 0.46), (_page, 0.66), (_talk, 0.78), (_main_sentence, 0.9), (_rewrite, 1.0))
_CHATS = ((_main_sentence, 0.6), (_rewrite, 1.0))


def build(d, chat_only=False):
    return d.weighted(_CHATS if chat_only else _KINDS)(d)
