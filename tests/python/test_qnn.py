# SPDX-License-Identifier: MIT
"""The calls of QNN-MO-PYNQ's notebooks, in their order, give what the network gives. Run as test_twobit.py."""
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
