"""The least time of one run by onnxruntime on one thread, in microseconds: MODEL.onnx SIZE..."""

import sys
import time

import numpy
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
shape = [int(size) for size in sys.argv[2:]]
values = numpy.sin(numpy.arange(numpy.prod(shape)) * 0.7).astype(numpy.float32).reshape(shape)
name = session.get_inputs()[0].name
least = float("inf")
for _ in range(3000):
    began = time.perf_counter()
    session.run(None, {name: values})
    least = min(least, time.perf_counter() - began)
print(least * 1e6)
