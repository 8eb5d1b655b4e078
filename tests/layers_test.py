"""tools/check-layers holds on the source tree, and fails on each kind of breach."""
import subprocess
import tempfile
import unittest
from pathlib import Path

from lathe_process import SOURCE

CHECK = SOURCE / "tools" / "check-layers"


def check(*arguments):
    return subprocess.run([CHECK, *arguments], capture_output=True, text=True)


class LayersTest(unittest.TestCase):
    def test_the_source_tree_holds(self):
        done = check()
        self.assertEqual(done.returncode, 0, done.stdout)

    def breach(self, file, line):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / file
            path.parent.mkdir(parents=True)
            path.write_text(line + "\n")
            done = check(folder)
            self.assertEqual(done.returncode, 1)
            return done.stdout

    def test_an_upward_include_is_named(self):
        self.assertIn("kernels may not include", self.breach("kernels/x.cc", '#include "ops/ops.h"'))

    def test_a_folder_outside_the_table_is_named(self):
        self.assertIn("not in tools/layers.txt", self.breach("misc/x.h", "#pragma once"))

    def test_an_include_without_its_folder_is_named(self):
        self.assertIn("by its path from src/", self.breach("os/x.cc", '#include "file.h"'))


if __name__ == "__main__":
    unittest.main()
