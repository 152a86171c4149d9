/* SPDX-License-Identifier: MIT */
/*
 * QNN-MO-PYNQ's W1A2 design, as its sources have it (Xilinx/QNN-MO-PYNQ, commit 97bc264): registers from
 * W1A2-pynqZ1-Z2.hwh, limits from network/W1A2/config.h. docs/qnn-mo.md describes all of it.
 */
#ifndef PL_QNN_MO_REGISTERS_H
#define PL_QNN_MO_REGISTERS_H

/* Offsets in bytes. Addresses have 64 bits: the low word, then the high one. */
enum {
	QNN_MO_CONTROL = 0x00,
	QNN_MO_INTERRUPTS = 0x04,	/* bit 0: the block may interrupt */
	QNN_MO_INTERRUPT_ENABLE = 0x08, /* bit 0: when a call is done */
	QNN_MO_INTERRUPT_STATUS = 0x0c, /* a bit written as 1 toggles */
	QNN_MO_IN1 = 0x10,		/* codes, or the parameters of PE 0 … 15 */
	QNN_MO_IN2 = 0x1c,		/* the parameters of PE 16 … 31 */
	QNN_MO_OUT = 0x28,		/* codes */
	QNN_MO_INIT = 0x34,		/* 1: the call loads parameters */
	QNN_MO_TYPE = 0x3c,		/* one of those below */
	QNN_MO_KERNEL = 0x44,		/* pixels */
	QNN_MO_STRIDE = 0x4c,		/* log2 */
	QNN_MO_IN_CHANNELS = 0x54,
	QNN_MO_OUT_CHANNELS = 0x5c,
	QNN_MO_IN_SIDE = 0x64, /* pixels, and so to the end */
	QNN_MO_PADDED_SIDE = 0x6c,
	QNN_MO_OUT_SIDE = 0x74,	    /* of the convolution */
	QNN_MO_POOL_IN_SIDE = 0x7c, /* padded */
	QNN_MO_POOL_OUT_SIDE = 0x84,
	QNN_MO_POOL_STRIDE = 0x8c, /* log2 */
	QNN_MO_REGISTERS = 0x90,   /* bytes */
};

/* Bits of QNN_MO_CONTROL. */
enum {
	QNN_MO_START = 1 << 0,
	QNN_MO_DONE = 1 << 1, /* reading it clears it */
	QNN_MO_IDLE = 1 << 2,
	QNN_MO_READY = 1 << 3,
};

enum { QNN_MO_CONVOLUTION = 1, QNN_MO_CONVOLUTION_POOL = 2 };

enum {
	QNN_MO_PES = 32,	 /* rows of the array: output channels at once */
	QNN_MO_PORT_PES = 16,	 /* whose parameters come through one port */
	QNN_MO_LANES = 64,	 /* input channels at once; bits of a word */
	QNN_MO_CHANNELS = 384,	 /* of a pixel, at most */
	QNN_MO_PIXEL_BYTES = 96, /* QNN_MO_CHANNELS codes of 2 bits */
	QNN_MO_SIDE = 64,	 /* pixels, at most */
	QNN_MO_POOL = 3,	 /* pixels; the pool has no other kernel */
	QNN_MO_THRESHOLD_WORDS = QNN_MO_CHANNELS / QNN_MO_PES, /* of a PE */
	QNN_MO_REACH = 512 << 20, /* bytes of memory, from address 0, that its ports reach */
};

/* Words of weights that a PE is sent, whatever the layer's channels are. */
static inline int qnn_mo_weight_words(int kernel)
{
	return kernel * kernel * (QNN_MO_CHANNELS / QNN_MO_PES) * (QNN_MO_CHANNELS / QNN_MO_LANES);
}

#endif
