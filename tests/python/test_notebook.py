# SPDX-License-Identifier: MIT
"""The notebook runs from its first cell to its last, and prints and plots what it promises. Run as test_twobit.py."""
import os
import tempfile
import unittest

import nbclient
import nbformat


class Notebook(unittest.TestCase):
    def test_dorefanet(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        # Warnings of notebooks' own machinery are not ours.
        os.environ.update(SAMPLES=os.path.abspath("assets/samples"), IPYTHONDIR=home.name, MPLCONFIGDIR=home.name, PYTHONWARNINGS="",
                          PYDEVD_DISABLE_FILE_VALIDATION="1")
        notebook = nbformat.read("examples/notebook/dorefanet.ipynb", as_version=4)
        for cell in notebook.cells:
            self.assertFalse(cell.get("outputs"), "the notebook is kept without outputs")
        nbclient.NotebookClient(notebook, timeout=120, startup_timeout=120, kernel_name="python3").execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        text = "".join(output.get("text", "") for output in outputs)
        for wanted in ("conv0  conv ", "coffee     Conv0", "espresso", "| all    |", "| dorefanet      | this network", "41.26 %",
                       "coffee is cup"):
            self.assertIn(wanted, text)
        self.assertEqual(sum("image/png" in output.get("data", {}) for output in outputs), 4)


if __name__ == "__main__":
    unittest.main()
