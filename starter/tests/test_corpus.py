"""Checks of the corpus generator.  Run: python3 -m unittest discover -s starter/tests"""
import json
import re
import sys
import tempfile
import unittest
from pathlib import Path

STARTER = Path(__file__).resolve().parent.parent
HELPDESK = STARTER.parent / "examples" / "helpdesk"
sys.path.insert(0, str(STARTER))
import make_corpus  # noqa: E402
from corpus import check, contexts, draw, episode, qa, relations, values, words  # noqa: E402

SAMPLE = 6000


def sample(count=SAMPLE, seed=3):
    d = draw.Draw(make_corpus.shard_seed(seed, 0))
    return [d.weighted(make_corpus.MIX)(d) for _ in range(count)]


def text_of(e):
    return e.text if e.messages is None else "\n".join(c for _, c in e.messages)


class Episodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.episodes = sample()

    def test_every_episode_keeps_the_rules(self):
        checked = sum(check.episode(e) for e in self.episodes)
        self.assertGreater(checked, SAMPLE)

    def test_every_skill_has_its_share(self):
        sizes = {}
        for e in self.episodes:
            sizes[e.skill] = sizes.get(e.skill, 0) + len(text_of(e))
        total = sum(sizes.values())
        for skill, least in {"passages": .60, "classification": .10, "copying": .02, "tone": .05, "fluency": .03}.items():
            self.assertGreater(sizes[skill] / total, least, skill)

    def test_unknown_is_neither_rare_nor_common(self):
        answers = [c for e in self.episodes if e.skill == qa.SKILL for r, c in e.messages if r == "assistant"]
        share = answers.count(episode.UNKNOWN) / len(answers)
        self.assertGreater(share, 0.04)
        self.assertLess(share, 0.12)

    def test_retrieval_form_is_the_fixed_one(self):
        first = [next(c for r, c in e.messages if r == "user") for e in self.episodes if e.skill == qa.SKILL]
        fixed = sum(bool(re.fullmatch(r"(\[\d\] .+\n)+\nQuestion: .+", c)) for c in first)
        self.assertGreater(fixed / len(first), 0.8)

    def test_same_seed_same_text(self):
        again = [text_of(e) for e in sample(300)]
        self.assertEqual(again, [text_of(e) for e in self.episodes[:300]])
        self.assertNotEqual(again, [text_of(e) for e in sample(300, seed=4)])

    def test_no_braces_left_over(self):
        for e in self.episodes:
            self.assertNotRegex(text_of(e), r"\{[a-z]*[0-9]?\}")


class Contexts(unittest.TestCase):
    def test_no_question_has_two_answers(self):
        d = draw.Draw(8)
        for _ in range(3000):
            context = contexts.make(d)
            answers = {}
            for asked, answer, index, _ in context.asked:
                self.assertIn(answer, context.passages[index])
                self.assertEqual(answers.setdefault(asked, answer), answer, (asked, context.passages))
            for asked in context.absent:
                self.assertNotIn(asked, answers)


class Vocabulary(unittest.TestCase):
    def test_heldout_words_are_not_training_words(self):
        train, held = draw._pool(False), draw._pool(True)
        self.assertFalse(set(train) & set(held))
        self.assertGreater(len(held), 2000)

    def test_codes_of_the_heldout_side_differ(self):
        train, held = draw.Draw(1), draw.Draw(1, heldout=True)
        self.assertTrue(all(train.code_number(1, 999) % 10 != 7 for _ in range(500)))
        self.assertTrue(all(held.code_number(1, 999) % 10 == 7 for _ in range(500)))

    def test_values_answer_as_they_stand(self):
        d = draw.Draw(2)
        for name, make in values.VALUES.items():
            for _ in range(50):
                value = make(d)
                self.assertEqual(value, value.strip(), name)
                self.assertNotRegex(value, r"[{}\n]", name)

    def test_relations_are_many(self):
        table = relations.by_kind()
        self.assertGreater(sum(map(len, table.values())), 300)
        for rows in table.values():
            for row in rows:
                self.assertTrue(all(questions for _, questions in row.forms), row.group)


class Heldout(unittest.TestCase):
    def test_heldout_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "heldout.jsonl"
            make_corpus.write_heldout(path, 1, 20)
            rows = [json.loads(line) for line in path.read_text().splitlines()]
        self.assertEqual(len(rows), 20 * len(make_corpus.heldout_builders()))
        for row in rows:
            self.assertEqual(row["messages"][-1]["role"], "assistant")
            if row["skill"].startswith("passages-"):
                self.assertIn(row["messages"][-1]["content"], row["messages"][-2]["content"])


class Helpdesk(unittest.TestCase):
    """The example's names, labels and facts are for tuning to learn: the corpus must not hold them."""

    def test_nothing_of_the_example_is_in_the_corpus(self):
        rows = [json.loads(line) for name in ("train.jsonl", "test.jsonl")
                for line in (HELPDESK / name).read_text(encoding="utf-8").splitlines()]
        labels = {r["messages"][-1]["content"] for r in rows if r["task"] == "classify"}
        self.assertGreater(len(labels), 4)
        forbidden = labels | {word.capitalize() for word in ("wrenfold", "tidewell")}
        answers = {r["messages"][-1]["content"] for r in rows if r["task"] == "facts"}
        plain = {part for entry in vars(words).values() if isinstance(entry, tuple)
                 for item in entry if isinstance(item, str) for part in item.lower().split()}
        forbidden |= {a for a in answers if re.search(r"\b[A-Z][a-z]{3,}", a) and not plain & set(a.lower().split())}
        asked = {r["messages"][-2]["content"] for r in rows}
        for e in sample(4000, seed=9):
            text = text_of(e)
            found = [word for word in forbidden if word in text]
            self.assertEqual(found, [])
            for _, content in e.messages or ():
                self.assertNotIn(content.removeprefix("Question: "), asked)


if __name__ == "__main__":
    unittest.main()
