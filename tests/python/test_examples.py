# SPDX-License-Identifier: MIT
"""An example that uses a library beside twobit says what it should: test_examples.py EXAMPLE, one of the classes. Run as
test_twobit.py."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SAMPLES = ["assets/samples/coffee.jpg", "assets/samples/chelsea.jpg"]


def run(example, *arguments):
    done = subprocess.run([sys.executable, f"examples/python/{example}", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout


class Example(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class OpenCV(Example):
    def test_a_picture_is_labelled(self):
        out = self.folder / "out.png"
        printed = run("opencv_label.py", "dorefanet", SAMPLES[0], str(out))
        self.assertRegex(printed, r"^cup [0-9]+ %\n +[0-9.]+ %  espresso\n")
        self.assertEqual(out.read_bytes()[:4], b"\x89PNG")


class OnnxRuntime(Example):
    def test_a_model_and_its_network_agree(self):
        model, network, photos = self.folder / "model.onnx", self.folder / "network", self.folder / "photos"
        photos.mkdir()
        for sample in SAMPLES:
            (photos / os.path.basename(sample)).write_bytes(pathlib.Path(sample).read_bytes())
        model.write_bytes(colours_model())
        subprocess.run([os.environ["TWOBIT"], "import", "onnx", "--calibrate", str(photos), str(model), str(network)], check=True,
                       capture_output=True)
        printed = run("onnxruntime_compare.py", str(model), str(network), *SAMPLES)
        self.assertRegex(printed, r"coffee.jpg: onnxruntime class [0-9] \([0-9.]+ ms\), twobit class [0-9]")
        self.assertIn("they agree on 2 of 2", printed)


def colours_model():
    """A convolution that looks for red, green and blue, the mean of each, and a matrix that tells them apart."""
    import numpy
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    colours = numpy.zeros((3, 3, 3, 3), numpy.float32)
    for i in range(3):
        colours[i, :, 1, 1] = -0.5
        colours[i, i, 1, 1] = 1
    constants = {"w": colours, "m": numpy.eye(3, dtype=numpy.float32), "b": numpy.array([0, 0.1, 0], numpy.float32)}
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
             helper.make_node("Relu", ["c"], ["r"]), helper.make_node("GlobalAveragePool", ["r"], ["g"]),
             helper.make_node("Flatten", ["g"], ["f"], axis=1), helper.make_node("Gemm", ["f", "m", "b"], ["y"], transB=1)]
    graph = helper.make_graph(nodes, "colours", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 32, 32])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
                              [numpy_helper.from_array(array, name) for name, array in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


if __name__ == "__main__":
    unittest.main()
