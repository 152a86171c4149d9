/* SPDX-License-Identifier: MIT */
/* Tables by VPERMI2B: 128 bytes at once, chosen for each of 64 codes. It has no dot products. */
#include "nn/kernels/avx512vbmi.h"

#include "nn/kernels/kernel.h"

static void look_up(const uint8_t *table, const uint8_t *codes, size_t step, int channels, int pixels,
	uint8_t *out, size_t out_step)
{
	const __m512i a = _mm512_load_si512(table), b = _mm512_load_si512(table + 64);
	const __m512i c = _mm512_load_si512(table + 128), d = _mm512_load_si512(table + 192);

	for (int p = 0; p < pixels; p++, codes += step, out += out_step)
		for (int i = 0; i < channels; i += 64) {
			int rest = channels - i;
			__mmask64 mask = rest < 64 ? ~UINT64_C(0) >> (64 - rest) : ~UINT64_C(0);
			__m512i at = _mm512_maskz_loadu_epi8(mask, codes + i);
			__m512i found = _mm512_mask_blend_epi8(
				_mm512_movepi8_mask(at), permute128(a, at, b), permute128(c, at, d));
			_mm512_mask_storeu_epi8(out + i, mask, found);
		}
}

static const struct kernel kernels[] = {{.name = NULL}};

const struct isa ISA = {
	.name = NAME("avx512vbmi"), .present = present, .kernels = kernels, .look_up = look_up};
