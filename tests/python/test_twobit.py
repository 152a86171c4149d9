# SPDX-License-Identifier: MIT
"""The package twobit gives what the command `twobit` gives, whatever an array's memory is like; what is wrong is refused.

Run in the root of the repository, with TWOBIT_LIBRARY, TWOBIT_NETWORKS, PYTHONPATH and TWOBIT (the program).
"""
import gc
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import unittest

import numpy

import twobit
from twobit import _library

COFFEE = "assets/samples/coffee.jpg"


def run(*arguments):
    return subprocess.run([os.environ["TWOBIT"], *arguments], capture_output=True, check=False, text=True)


def has(feature):
    return feature in re.search("^features(.*?)(?:; without|$)", run("--version").stdout, re.M)[1].split()


def twobit_classify(network, picture):
    return json.loads(run("classify", "--json", "--top-k", "5", "--network", network, picture).stdout)


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.net = twobit.Network("dorefanet")
        cls.coffee = twobit.read_picture(COFFEE)
        cls.expected = cls.net.classify(cls.coffee)

    def test_every_function_of_the_header_is_known(self):
        declared = set(re.findall(r"\b(twobit_[a-z_]+)\(", pathlib.Path("library/twobit.h").read_text("utf-8")))
        self.assertEqual(declared - {"twobit_tensor_bytes"}, set(_library.FUNCTIONS))

    def test_the_answer_is_that_of_the_program(self):
        said = twobit_classify("dorefanet", COFFEE)["top"]
        self.assertEqual([(p.label, p.index) for p in self.expected.top], [(p["label"], p["index"]) for p in said])
        for own, other in zip(self.expected.top, said):
            self.assertAlmostEqual(own.confidence, other["confidence"], places=5)

    def test_a_network_tells_what_it_is(self):
        self.assertEqual(self.net.name, "dorefanet")
        self.assertEqual(len(self.net.labels), 200)
        self.assertEqual(self.net.input, ((64, 64, 3), 8))
        self.assertEqual(self.net.layers[0].name, "conv0")
        self.assertEqual(self.net.layers[0].kernel, (8, 8))
        self.assertEqual(self.net.layers[0].inputs, (twobit.INPUT,))
        self.assertEqual(self.net.layers[1].weight_bits, 1)
        self.assertEqual(self.net.layers[-1].output.dtype, numpy.int32)

    def test_memory_of_any_kind(self):
        coffee = self.coffee
        height, width, _ = coffee.shape
        wide = numpy.zeros((height, width + 7, 3), numpy.uint8)
        wide[:, 3:-4] = coffee
        four = numpy.dstack([coffee, numpy.full((height, width), 9, numpy.uint8)])
        upside_down = coffee[::-1].copy()
        for array in (wide[:, 3:-4], four, upside_down[::-1], numpy.asfortranarray(coffee)):
            self.assertEqual(self.net.classify(array), self.expected)
        self.assertEqual(self.net.classify(coffee[..., ::-1], order="BGR"), self.expected)
        self.assertEqual(self.net.classify(coffee[..., 1]), self.net.classify(numpy.dstack([coffee[..., 1]] * 3)))

    def test_memory_is_shared_where_it_can_be(self):
        for array in (self.coffee, self.coffee[5:, 5:], self.coffee[::-1]):
            picture, _ = twobit.picture.as_picture(array)
            self.assertEqual(picture.pixels, array.ctypes.data)

    def test_batches(self):
        cat = twobit.read_picture(pathlib.Path("assets/samples/chelsea.jpg").read_bytes())
        batched = twobit.Network(self.net.folder, batch=2, threads=2)
        self.assertEqual(batched.classify([self.coffee, cat, self.coffee]), [self.expected, self.net.classify(cat), self.expected])
        self.assertEqual(batched.classify(numpy.stack([self.coffee] * 3), top_k=1)[2].top, self.expected.top[:1])
        self.assertEqual(batched.classify([]), [])

    def test_layers_and_engine_agree(self):
        codes = self.net.codes(self.coffee)
        made = {twobit.INPUT: codes}
        for layer in self.net.layers:
            made[layer.index] = self.net.run_layer(layer.name, *(made[source] for source in layer.inputs))
        scores = self.net.run(codes)
        numpy.testing.assert_array_equal(made[len(self.net.layers) - 1], scores)
        numpy.testing.assert_array_equal(self.net.run(numpy.stack([codes, codes]))[1], scores)
        self.assertEqual(self.net.answer(scores).top, self.expected.top)
        numpy.testing.assert_array_equal(self.net.run(made[0], first="conv1", last="conv3"), made[self.net.layer("conv3").index - 1])
        numpy.testing.assert_array_equal(self.net.run(made[1], first=2), scores)

    def test_live_gives_each_picture_with_its_answer(self):
        seen = []
        for result in twobit.live("test", self.net, size=(96, 64), every_frame=True, frames=4):
            self.assertEqual(result.picture.shape, (64, 96, 3))
            self.assertEqual(result.answer, self.net.classify(result.picture, origin="camera"))
            seen.append(result.frame)
        self.assertEqual(seen, [0, 1, 2, 3])

    def test_live_can_be_left(self):
        for result in twobit.live("test", "lenet5", rate=500, pl="software", top_k=1):
            self.assertEqual(len(result.answer.top), 1)
            if result.frame > 2:
                break

    def test_each_frame_of_a_video(self):
        if not has("video"):
            self.skipTest("this build reads no videos")
        with tempfile.TemporaryDirectory() as folder:
            video = os.path.join(folder, "a.mkv")
            recorded = run("record", "test", "-q", "-n", "7", "-r", "64x48", "--network", "lenet5", "-o", video)
            self.assertEqual(recorded.returncode, 0, recorded.stderr)
            frames = [result.frame for result in twobit.live(video, "lenet5", every_frame=True)]
            self.assertEqual(frames, list(range(7)))

    def test_pictures_of_a_module(self):
        if not has("heif"):
            self.skipTest("this build reads no HEIC")
        for kind in ("heic", "avif"):
            file = pathlib.Path("tests/fuzz/corpus/picture", kind).read_bytes()[1:]  # behind the fuzzer's own byte
            self.assertEqual(twobit.read_picture(file).shape[2], 3)

    def test_pixels_outlive_what_they_are_from(self):
        part = twobit.read_picture(COFFEE)[10:20]
        gc.collect()
        numpy.testing.assert_array_equal(part, self.coffee[10:20])

    def test_a_picture_without_a_face(self):
        answer = twobit.Network("emotion-w2a2").classify(numpy.zeros((64, 64, 3), numpy.uint8))
        self.assertEqual((answer.name, answer.top), (None, ()))

    def test_threads_share_a_network(self):
        found = []
        threads = [threading.Thread(target=lambda: found.extend(self.net.classify(self.coffee) for _ in range(5))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, [self.expected] * 20)

    def test_what_is_wrong_is_refused(self):
        net, coffee = self.net, self.coffee
        for kind, text, wrong in (
                (FileNotFoundError, "no-such", lambda: twobit.Network("no-such")),
                (OSError, "abacus", lambda: twobit.Network("dorefanet", kernels="abacus")),
                (ValueError, "1 to 64 threads", lambda: twobit.Network("dorefanet", threads=65)),
                (FileNotFoundError, "no-such.jpg", lambda: twobit.read_picture("no-such.jpg")),
                (ValueError, "not a picture", lambda: twobit.read_picture(b"no picture")),
                (FileNotFoundError, "no-such/folder", lambda: twobit.live("no-such/folder", net)),
                (ValueError, "abacus", lambda: twobit.live("test", net, pl="abacus")),
                (TypeError, "float64", lambda: net.classify(coffee / 255)),
                (ValueError, "shape", lambda: net.classify(coffee[..., :2])),
                (ValueError, "shape", lambda: net.classify(coffee[:0])),
                (ValueError, "RGB or BGR", lambda: net.classify(coffee, order="HSV")),
                (ValueError, "from", lambda: net.classify(coffee, origin="moon")),
                (ValueError, "top_k", lambda: net.classify(coffee, top_k=11)),
                (ValueError, r"the input is uint8 \(64, 64, 3\)", lambda: net.run(coffee)),
                (ValueError, "no layer from 'conv3' to before 'conv1'", lambda: net.run(coffee, first="conv3", last="conv1")),
                (ValueError, "no layer 'conv9'", lambda: net.run_layer("conv9", coffee)),
                (ValueError, "reads 1 layers", lambda: net.run_layer("conv0")),
                (ValueError, "code 4", lambda: net.run_layer("conv1", numpy.full((16, 16, 64), 4, numpy.uint8)))):
            with self.assertRaisesRegex(kind, text):
                wrong()

    def test_a_closed_network_says_so(self):
        with twobit.Network("lenet5") as net:
            self.assertEqual(len(net.classify(self.coffee, top_k=3).top), 3)
        with self.assertRaisesRegex(ValueError, "closed"):
            net.classify(self.coffee)


if __name__ == "__main__":
    unittest.main()
