"""The starter model's corpus and the helpdesk example keep their own rules (no program needed)."""
import os
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("LATHE_SOURCE_DIR", Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(ROOT / "starter" / "tests"))
from test_corpus import *  # noqa: E402,F401,F403


class HelpdeskExample(unittest.TestCase):
    def test_the_data_pass_their_check(self):
        done = subprocess.run([sys.executable, str(ROOT / "examples" / "helpdesk" / "check.py")],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("documents", done.stdout)


if __name__ == "__main__":
    unittest.main()
