# SPDX-License-Identifier: MIT
"""Pictures in shards over Dask's workers, one of which is killed at work: each picture has one result, that of one process.
Run as test_twobit.py."""
import collections
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import unittest

import dask
from distributed import Client, LocalCluster

EXAMPLES = os.path.abspath("examples/python")
sys.path.insert(0, EXAMPLES)
import shards  # noqa: E402

PICTURES = 60
SHARD = 3


class Shards(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        os.environ["PYTHONPATH"] = EXAMPLES + ":" + os.environ["PYTHONPATH"]
        samples = sorted(pathlib.Path("assets/samples").glob("*.jpg"))
        (self.folder / "below").mkdir()
        for i in range(PICTURES - 1):
            shutil.copy(samples[i % 2], self.folder / ("below" if i % 3 else ".") / f"{i:03}.jpg")
        (self.folder / "broken.png").write_text("no picture")
        (self.folder / "notes.txt").write_text("no picture's name")

    def test_a_worker_is_killed(self):
        results, killed = [], []
        with dask.config.set({"distributed.worker.daemon": True}), \
                LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(self.folder / "work")) \
                as cluster, Client(cluster) as client:
            pids = client.run(os.getpid)
            self.assertEqual(len(pids), 2)

            def write(shard):
                results.extend(shard)
                if not killed:
                    killed.append(list(pids.values())[0])
                    os.kill(killed[0], signal.SIGKILL)

            count = shards.classify_folder(client, "dorefanet", str(self.folder), SHARD, write)
        self.assertEqual(count, PICTURES)
        self.assertEqual(len(killed), 1)
        self.assertEqual(set(collections.Counter(result[0] for result in results).values()), {1})
        paths = shards.pictures_of(str(self.folder))
        self.assertEqual(sorted(results), sorted(shards.classify_shard("dorefanet", paths)))
        self.assertEqual([result[3] is not None for result in sorted(results)].count(True), 1)


if __name__ == "__main__":
    unittest.main()
