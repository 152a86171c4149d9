# SPDX-License-Identifier: MIT
"""The calls of QNN-MO-PYNQ's notebooks, in their order, give what the network gives. Run as test_twobit.py."""
import json
import os
import tempfile
import unittest

import numpy

import twobit
from twobit.qnn import DorefaNet, utils

COFFEE = "assets/samples/coffee.jpg"


class Notebook(unittest.TestCase):
    def test_the_notebook_runs(self):
        classifier = DorefaNet()
        classifier.init_accelerator()
        layers = classifier.load_network(json_layer="assets/networks/dorefanet/network.json")
        img, name = classifier.load_image(COFFEE)
        self.assertEqual((img.shape, name), ((1, 64, 64, 3), "coffee.jpg"))
        conv0 = classifier.conv0(img)
        self.assertEqual(list(conv0.shape), layers["conv0"]["output"])
        end = layers["conv3"] if "pool3" not in layers else layers["pool3"]
        out = classifier.get_accel_buffer(end["output"][0], end["output"][1])
        classifier.inference(classifier.prepare_buffer(conv0), out)
        scores = classifier.fully_connected(classifier.postprocess_buffer(out))
        net = twobit.Network("dorefanet")
        numpy.testing.assert_array_equal(scores, net.run(img[0]).reshape(-1))
        best = utils.get_topn_indexes(scores, 3)
        self.assertEqual(net.labels[best[0]], "espresso")
        classifier.deinit_accelerator()
        with self.assertRaisesRegex(IOError, "init_accelerator"):
            classifier.inference(img, out)
        with self.assertRaisesRegex(ValueError, "python_hw"):
            DorefaNet(runtime="abacus")

    def test_the_original_files(self):
        """A list of layers with the pickled Conv0, the mean and binary parameters beside it, as in the original."""
        conv = {"func": "conv_layer", "kernel_stride": 1, "padding": 0, "output_bits": 2}
        layers = [dict(conv, name="conv0", input_bits=8, weight_bits=8, kernel_shape=2, kernel_stride=2, input=[3, 8, 8],
                       output=[2, 4, 4]),
                  dict(conv, name="conv1", input_bits=2, weight_bits=1, threshold_bits=16, kernel_shape=1, input=[2, 4, 4],
                       output=[3, 4, 4], output_dim=4, output_channels=3)]
        random = numpy.random.default_rng(1)
        weights = {"conv0/W": (random.integers(-127, 128, (2, 3, 2, 2)) / 256).astype("f4"),
                   "conv0/T": numpy.array([1 / 6, 1 / 2, 5 / 6], "f4")}
        weights["conv0/W"][:, 0, 0, 0] = 127 / 256  # so that eight bits hold all of them
        with tempfile.TemporaryDirectory() as folder:
            def path(name):
                return os.path.join(folder, name)
            os.mkdir(path("p"))
            with open(path("tiny-layers.json"), "w", encoding="utf-8") as file:
                json.dump({"network": "tiny", "binparam": "p", "binparam_skip": 1, "layer_skip": 1, "layers": layers}, file)
            for pe in range(32):
                numpy.array([pe], "<u8").tofile(path(f"p/1-{pe}-weights.bin"))
                numpy.array([-1, 1, 3, 0], "<i2").tofile(path(f"p/1-{pe}-thres.bin"))
            numpy.save(path("tiny-conv0.npy"), weights, allow_pickle=True)
            mean = numpy.full((10, 10, 3), (104, 117, 123), "f4")
            numpy.save(path("ilsvrc_pp_mean.npy"), mean)
            classifier = DorefaNet()
            classifier.init_accelerator()
            net = classifier.load_network(json_layer=path("tiny-layers.json"))
            img, _ = classifier.load_image(COFFEE)
            another = DorefaNet("python_sw")
            another.init_accelerator()
            out, same = (it.get_accel_buffer(net["conv1"]["output_channels"], net["conv1"]["output_dim"])
                         for it in (classifier, another))
            conv0 = utils.threshold(utils.conv_layer(img, weights["conv0/W"], stride=2), weights["conv0/T"])
            classifier.inference(classifier.prepare_buffer(conv0), out)
            another.inference(another.prepare_buffer(conv0), same)
        self.assertEqual((img.dtype, img.shape), (numpy.float32, (1, 8, 8, 3)))
        self.assertGreater(len(numpy.unique(img)), 8)
        numpy.testing.assert_array_equal(conv0, classifier.conv0(img))
        pixels = img[0] * 255 + mean[1:9, 1:9]
        numpy.testing.assert_allclose(pixels, numpy.rint(pixels), atol=1e-3)
        numpy.testing.assert_array_equal(out, same)
        self.assertGreater(len(numpy.unique(out)), 1)
        with self.assertRaisesRegex(FileNotFoundError, "gone-layers.json"):
            classifier.load_network(json_layer="gone-layers.json")

    def test_layers_in_python(self):
        random = numpy.random.default_rng(1)
        x, W = random.integers(0, 9, (1, 7, 7, 2)), random.integers(-3, 4, (4, 2, 3, 3))
        out = utils.conv_layer(x, W, b=numpy.arange(4)[:, None], stride=2, padding=1)
        self.assertEqual(out.shape, (4, 4, 4))
        padded = numpy.pad(x[0], ((1, 1), (1, 1), (0, 0)))
        self.assertEqual(out[2, 1, 3], sum(padded[2 + i, 6 + j, c] * W[2, c, i, j] for i in range(3) for j in range(3)
                                           for c in range(2)) + 2)
        numpy.testing.assert_array_equal(utils.threshold(numpy.array([[0, 1], [2, 9]]), numpy.array([0, 1, 5])), [[0, 1], [2, 3]])
        numpy.testing.assert_allclose(utils.softmax(numpy.array([1000., 1000.])), [0.5, 0.5])
        numpy.testing.assert_array_equal(utils.get_topn_indexes(numpy.array([3, 9, 5]), 2), [1, 2])
        numpy.testing.assert_allclose(utils.quantize(numpy.array([0.3, 0.9]), 2), [1 / 3, 1])
        numpy.testing.assert_array_equal(utils.qrelu(utils.fully_connected(numpy.array([1, 2]), numpy.eye(2), 0.5)), [1, 1])


if __name__ == "__main__":
    unittest.main()
