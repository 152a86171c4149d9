/* SPDX-License-Identifier: MIT */
/* Registers of base.bit's HDMI output, from 0x43000000 on. */
#ifndef DISPLAY_PYNQ_REGISTERS_H
#define DISPLAY_PYNQ_REGISTERS_H

#include <stdint.h>

#define VIDEO_BYTES 0xC80000

/* AXI VDMA, the direction from memory (PG020). Parked, it shows one buffer until another's number is set. */
#define VDMA_CONTROL 0x00
#define VDMA_STOPPED UINT32_C(0x10080) /* a count of frames that must not be 0 */
#define VDMA_RESET UINT32_C(0x4)
#define VDMA_RUN UINT32_C(0x9) /* with its own frame synchronisation; parked */
#define VDMA_STATUS 0x04
#define VDMA_HALTED UINT32_C(0x1)
#define VDMA_ERRORS UINT32_C(0x4090)
#define VDMA_PARK 0x28
#define VDMA_PARK_MASK UINT32_C(0x1F)
#define VDMA_SHOWN(buffer) ((uint32_t)(buffer) << 16)
#define VDMA_HEIGHT 0x50
#define VDMA_WIDTH 0x54 /* bytes */
#define VDMA_STRIDE 0x58
#define VDMA_ADDRESS(buffer) (0x5C + 4 * (buffer))

/* axi_dynclk (Digilent): fields of an MMCM's registers (AMD XAPP888). */
#define CLOCK 0xC10000
#define CLOCK_CONTROL CLOCK
#define CLOCK_START UINT32_C(1)
#define CLOCK_STATUS (CLOCK + 0x04)
#define CLOCK_RUNNING UINT32_C(1)
#define CLOCK_OUTPUT (CLOCK + 0x08)
#define CLOCK_MULTIPLIER (CLOCK + 0x0C)
#define CLOCK_COUNTER_EDGE 23 /* of these two, the bit for an odd divider */
#define CLOCK_HIGH (CLOCK + 0x10)
#define CLOCK_DIVIDER (CLOCK + 0x14)
#define CLOCK_DIVIDER_EDGE 13
#define CLOCK_LOCK (CLOCK + 0x18)
#define CLOCK_FILTER (CLOCK + 0x1C)
/* Lock detector and filter (low bandwidth) of XAPP888's tables, the same for multipliers from 48 to 64. */
#define CLOCK_LOCK_52 UINT32_C(0xCFAFA401)
#define CLOCK_FILTER_52 UINT32_C(0x00A300FF)

/* Video timing controller, its generator (PG016). */
#define TIMING 0xC20000
#define TIMING_CONTROL TIMING
#define TIMING_RUN UINT32_C(0x1)
#define TIMING_UPDATE UINT32_C(0x2)
#define TIMING_GENERATE UINT32_C(0x4)
#define TIMING_FROM_REGISTERS UINT32_C(0x07F7EF00)
#define TIMING_SIZE (TIMING + 0x60)
#define TIMING_POLARITY (TIMING + 0x6C)
#define TIMING_POLARITY_BLANKS UINT32_C(0x03)
#define TIMING_POLARITY_SYNCS UINT32_C(0x0C)
#define TIMING_POLARITY_DATA UINT32_C(0x30)
#define TIMING_LINE (TIMING + 0x70)
#define TIMING_FRAME (TIMING + 0x74)
#define TIMING_LINE_SYNC (TIMING + 0x78)
#define TIMING_BLANK_PLACE (TIMING + 0x7C)
#define TIMING_FRAME_SYNC (TIMING + 0x80)
#define TIMING_SYNC_PLACE (TIMING + 0x84)

/* PYNQ's converters: a matrix of three by three and an offset, in 256ths; bytes of memory to a pixel. */
#define COLOUR_COEFFICIENT(i) (0xC60010 + 8 * (i))
#define COLOUR_COEFFICIENTS UINT32_C(12)
#define COLOUR_ONE UINT32_C(256)
#define UNPACK_MODE 0xC70010
#define UNPACK_32_BITS UINT32_C(1)

#endif
