# SPDX-License-Identifier: MIT
"""What the recipes share.

datasets: the data sets in memory. transforms: augmentation. quantisers: few-bit weights and
activations. network: a table of layers and its model. brevitas_layers: the same with Brevitas.
training: the loop. evaluation: accuracy and calibration. export: integers and the network folder.
qonnx: the reference for QONNX graphs. recipe: options and the steps of a recipe.
"""
