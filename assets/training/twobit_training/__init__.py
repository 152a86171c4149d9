# SPDX-License-Identifier: MIT
"""What the recipes share: quantisers, data sets, the training loop, folding to integers, export."""
