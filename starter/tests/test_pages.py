"""Checks of the pages on named things.  Run: python3 -m unittest discover -s starter/tests"""
import re
import sys
import unittest
from pathlib import Path

STARTER = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(STARTER))
from corpus import contexts, draw, pages, values  # noqa: E402


class Predicates(unittest.TestCase):
    def test_each_line_can_be_told_and_asked(self):
        for kind, rows in pages.predicates().items():
            self.assertIn(kind, pages._CLASSES)
            for row in rows:
                self.assertIn(row.value, values.VALUES)
                for statement in row.statements:
                    self.assertEqual(statement.count("{v}"), 1, statement)
                    self.assertTrue(statement.endswith("."), statement)
                for question in row.questions:
                    self.assertNotIn("{v}", question)
                    self.assertTrue(question.endswith("?"), question)

    def test_a_statement_is_left_that_does_not_open_with_its_value(self):
        for rows in pages.predicates().values():
            for row in rows:
                self.assertTrue(any(not s.startswith("{v}") for s in row.statements), row)


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        d = draw.Draw(21)
        cls.made = [pages.passages(d, 1 + n % 4, contexts.FILLERS) for n in range(2000)]

    def test_answers_stand_in_their_passages(self):
        for texts, asked, _ in self.made:
            for question, answer, index, _ in asked:
                self.assertIn(answer, texts[index], question)

    def test_no_marks_are_left_over(self):
        for texts, asked, absent in self.made:
            for text in texts + [q for q, *_ in asked] + [q for q, _ in absent]:
                self.assertNotRegex(text, r"[{}]|\ba [aeio]\w+ (?:of|for)\b .*\{")
                self.assertNotRegex(text, r"\bof of\b|\bthe the\b|  ")

    def test_some_questions_name_what_the_passage_leaves_out(self):
        longer = 0
        for texts, asked, _ in self.made:
            for question, _, index, _ in asked:
                owner = re.search(r"(?:of|for) (the [A-Z]\w+)", question)
                longer += bool(owner and owner.group(1) not in texts[index])
        self.assertGreater(longer, 100)

    def test_contrasts_have_two_values(self):
        found = [(asked, texts) for texts, asked, _ in self.made for row in asked if row[3][2]]
        self.assertGreater(len(found), 100)


if __name__ == "__main__":
    unittest.main()
