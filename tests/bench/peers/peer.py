# SPDX-License-Identifier: MIT
"""
One peer in a process of its own: peer.py PEER THREADS. Each line on stdin is "FOLDER BATCH SECONDS"; the answer is
"MEDIAN LEAST", µs a picture with warm caches, or "error TEXT".
"""
import statistics
import sys
import time

import numpy as np

from networks import input_codes, read_network


def onednn(layers, batch, _threads):
    from onednn import Runner

    runner = Runner(layers, batch)
    return runner.run


def onnxruntime(layers, batch, threads):
    import onnxruntime as ort
    from onnx_model import make_onnx

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(make_onnx(layers, batch), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_cpu_input("x", input_codes(layers, batch))
    binding.bind_output("y")
    return lambda: session.run_with_iobinding(binding)


def openvino(layers, batch, threads):
    import openvino as ov
    from onnx_model import make_onnx

    core = ov.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
                "ENABLE_CPU_PINNING": False}
    model = core.compile_model(core.read_model(make_onnx(layers, batch)), "CPU", settings)
    request = model.create_infer_request()
    request.set_input_tensor(ov.Tensor(input_codes(layers, batch)))
    return request.infer


def litert(layers, batch, threads):
    from ai_edge_litert.interpreter import Interpreter
    from litert_model import make_litert

    interpreter = Interpreter(model_content=make_litert(layers, batch), num_threads=threads)
    interpreter.allocate_tensors()
    codes = input_codes(layers, batch).transpose(0, 2, 3, 1).astype(np.int16) - 128
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], codes.astype(np.int8))
    return interpreter.invoke


PEERS = {"oneDNN": onednn, "onnxruntime": onnxruntime, "OpenVINO": openvino, "LiteRT": litert}


def measure(run, seconds):
    """Median and least time of a run, s."""
    times, end = [], time.perf_counter() + 0.2 * seconds
    while time.perf_counter() < end:
        run()
    end += seconds
    while time.perf_counter() < end or len(times) < 5:
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return statistics.median(times), min(times)


def main():
    prepare, threads, ready = PEERS[sys.argv[1]], int(sys.argv[2]), {}
    for line in sys.stdin:
        folder, batch, seconds = line.rsplit(maxsplit=2)
        try:
            if (folder, batch) not in ready:
                ready[folder, batch] = prepare(read_network(folder), int(batch), threads)
            times = measure(ready[folder, batch], float(seconds))
            print(*(f"{t * 1e6 / int(batch):.3f}" for t in times), flush=True)
        except Exception as e:  # a peer that cannot run a network is no reason to stop
            print("error", " ".join(str(e).split())[:200], flush=True)


if __name__ == "__main__":
    main()
