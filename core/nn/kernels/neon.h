/* SPDX-License-Identifier: MIT */
/*
 * The instructions that neon.c is about. With EMULATED defined they are made of the compiler's own vectors,
 * so that a test can run the kernels on a processor of another kind; it must be little-endian, as ARM's lanes
 * are.
 */
#ifndef NN_KERNELS_NEON_H
#define NN_KERNELS_NEON_H

#ifndef EMULATED

#include <arm_neon.h>

#define NAME(name) name
#define ISA isa_neon

#else

#include <stdint.h>
#include <string.h>

#define NAME(name) name "-emulated"
#define ISA isa_neon_emulated

#define VECTOR(element, lanes)                                                                               \
	typedef element##_t element##x##lanes##_t __attribute__((vector_size((lanes) * sizeof(element##_t))))
VECTOR(uint8, 8);
VECTOR(uint8, 16);
VECTOR(uint16, 4);
VECTOR(uint16, 8);
VECTOR(int16, 4);
VECTOR(int16, 8);
VECTOR(uint32, 2);
VECTOR(uint32, 4);
VECTOR(int32, 2);
VECTOR(int32, 4);
VECTOR(uint64, 1);
VECTOR(uint64, 2);
VECTOR(int64, 2);

/* A function of one vector and another's, whose lanes are made one by one: `lane` computes lane i. */
#define LANE_BY_LANE(name, result, lanes, argument, lane)                                                    \
	static inline result name(argument a)                                                                \
	{                                                                                                    \
		result r;                                                                                    \
		for (int i = 0; i < (lanes); i++)                                                            \
			r[i] = (lane);                                                                       \
		return r;                                                                                    \
	}

#define POPULATION(i) (unsigned char)__builtin_popcount(a[i])
LANE_BY_LANE(vcnt_u8, uint8x8_t, 8, uint8x8_t, POPULATION(i))
LANE_BY_LANE(vcntq_u8, uint8x16_t, 16, uint8x16_t, POPULATION(i))
LANE_BY_LANE(vpaddl_u8, uint16x4_t, 4, uint8x8_t, (uint16_t)(a[2 * i] + a[2 * i + 1]))
LANE_BY_LANE(vpaddl_u16, uint32x2_t, 2, uint16x4_t, (uint32_t)a[2 * i] + a[2 * i + 1])
LANE_BY_LANE(vpaddl_u32, uint64x1_t, 1, uint32x2_t, (uint64_t)a[2 * i] + a[2 * i + 1])
LANE_BY_LANE(vpaddlq_u8, uint16x8_t, 8, uint8x16_t, (uint16_t)(a[2 * i] + a[2 * i + 1]))
LANE_BY_LANE(vpaddlq_u16, uint32x4_t, 4, uint16x8_t, (uint32_t)a[2 * i] + a[2 * i + 1])
LANE_BY_LANE(vpaddlq_u32, uint64x2_t, 2, uint32x4_t, (uint64_t)a[2 * i] + a[2 * i + 1])
LANE_BY_LANE(vmovl_u8, uint16x8_t, 8, uint8x8_t, a[i])
LANE_BY_LANE(vmovn_u16, uint8x8_t, 8, uint16x8_t, (uint8_t)a[i])
LANE_BY_LANE(vmovn_u32, uint16x4_t, 4, uint32x4_t, (uint16_t)a[i])
LANE_BY_LANE(vmovn_u64, uint32x2_t, 2, uint64x2_t, (uint32_t)a[i])
LANE_BY_LANE(vget_low_u16, uint16x4_t, 4, uint16x8_t, a[i])
LANE_BY_LANE(vget_high_u16, uint16x4_t, 4, uint16x8_t, a[i + 4])
LANE_BY_LANE(vdupq_n_u8, uint8x16_t, 16, uint8_t, a)
LANE_BY_LANE(vdup_n_u32, uint32x2_t, 2, uint32_t, a)
LANE_BY_LANE(vdupq_n_u32, uint32x4_t, 4, uint32_t, a)
LANE_BY_LANE(vdupq_n_s32, int32x4_t, 4, int32_t, a)
LANE_BY_LANE(vdupq_n_s64, int64x2_t, 2, int64_t, a)

LANE_BY_LANE(vdup_n_u8, uint8x8_t, 8, uint8_t, a)
LANE_BY_LANE(vget_low_s32, int32x2_t, 2, int32x4_t, a[i])
LANE_BY_LANE(vget_high_s32, int32x2_t, 2, int32x4_t, a[i + 2])

/* Saturating: a lane's nearest number in half the bits. */
LANE_BY_LANE(vqmovn_s32, int16x4_t, 4, int32x4_t,
	(int16_t)(a[i]<INT16_MIN ? INT16_MIN : a[i]> INT16_MAX ? INT16_MAX : a[i]))
LANE_BY_LANE(vqmovun_s16, uint8x8_t, 8, int16x8_t, (uint8_t)(a[i]<0 ? 0 : a[i]> UINT8_MAX ? UINT8_MAX : a[i]))

#define OF_TWO(name, result, left, right, value)                                                             \
	static inline result name(left a, right b)                                                           \
	{                                                                                                    \
		return (result)(value);                                                                      \
	}

OF_TWO(vandq_u8, uint8x16_t, uint8x16_t, uint8x16_t, a &b)
OF_TWO(vtstq_u8, uint8x16_t, uint8x16_t, uint8x16_t, (a & b) != 0)
OF_TWO(veor_u8, uint8x8_t, uint8x8_t, uint8x8_t, a ^ b)
OF_TWO(vaddq_u8, uint8x16_t, uint8x16_t, uint8x16_t, a + b)
OF_TWO(vaddq_u32, uint32x4_t, uint32x4_t, uint32x4_t, a + b)
OF_TWO(vaddq_u64, uint64x2_t, uint64x2_t, uint64x2_t, a + b)
OF_TWO(vsubq_u32, uint32x4_t, uint32x4_t, uint32x4_t, a - b)
OF_TWO(vsubq_s32, int32x4_t, int32x4_t, int32x4_t, (uint32x4_t)a - (uint32x4_t)b)
OF_TWO(vshlq_u64, uint64x2_t, uint64x2_t, int64x2_t, a << (uint64x2_t)b)
OF_TWO(vcgeq_s32, uint32x4_t, int32x4_t, int32x4_t, a >= b)
OF_TWO(vpadalq_u16, uint32x4_t, uint32x4_t, uint16x8_t, a + vpaddlq_u16(b))

OF_TWO(vmax_u8, uint8x8_t, uint8x8_t, uint8x8_t, ((uint8x8_t)(a > b) & a) | ((uint8x8_t)(a <= b) & b))
OF_TWO(vmin_u8, uint8x8_t, uint8x8_t, uint8x8_t, ((uint8x8_t)(a < b) & a) | ((uint8x8_t)(a >= b) & b))

#define COMBINE(name, result, half)                                                                          \
	static inline result name(half low, half high)                                                       \
	{                                                                                                    \
		result r;                                                                                    \
		memcpy(&r, &low, sizeof(low));                                                               \
		memcpy((char *)&r + sizeof(low), &high, sizeof(high));                                       \
		return r;                                                                                    \
	}
COMBINE(vcombine_u8, uint8x16_t, uint8x8_t)
COMBINE(vcombine_u16, uint16x8_t, uint16x4_t)
COMBINE(vcombine_u32, uint32x4_t, uint32x2_t)
COMBINE(vcombine_s16, int16x8_t, int16x4_t)
COMBINE(vcombine_s32, int32x4_t, int32x2_t)

#define LOAD(name, result, element)                                                                          \
	static inline result name(const element *p)                                                          \
	{                                                                                                    \
		result r;                                                                                    \
		memcpy(&r, p, sizeof(r));                                                                    \
		return r;                                                                                    \
	}
LOAD(vld1_u8, uint8x8_t, uint8_t)
LOAD(vld1q_u8, uint8x16_t, uint8_t)
LOAD(vld1_s16, int16x4_t, int16_t)
LOAD(vld1q_s32, int32x4_t, int32_t)
LOAD(vld1q_s64, int64x2_t, int64_t)

static inline void vst1_u8(uint8_t *p, uint8x8_t a)
{
	memcpy(p, &a, sizeof(a));
}

static inline void vst1q_s32(int32_t *p, int32x4_t a)
{
	memcpy(p, &a, sizeof(a));
}

static inline int32x4_t vmlal_s16(int32x4_t sum, int16x4_t a, int16x4_t b)
{
	for (int i = 0; i < 4; i++)
		sum[i] += a[i] * b[i];
	return sum;
}

static inline int64x2_t vmlal_s32(int64x2_t sum, int32x2_t a, int32x2_t b)
{
	for (int i = 0; i < 2; i++)
		sum[i] += (int64_t)a[i] * b[i];
	return sum;
}

/* Shifts right where b is negative, as it is here. */
static inline int32x4_t vshlq_s32(int32x4_t a, int32x4_t b)
{
	return a >> -b;
}

static inline int32x4_t vnegq_s32(int32x4_t a)
{
	return -a;
}

static inline int32x2_t vshrn_n_s64(int64x2_t a, int count)
{
	a >>= count;
	return (int32x2_t){(int32_t)a[0], (int32_t)a[1]};
}

static inline int32x4_t vmlal_lane_s16(int32x4_t sum, int16x4_t a, int16x4_t b, int lane)
{
	for (int i = 0; i < 4; i++)
		sum[i] += a[i] * b[lane];
	return sum;
}

#define vreinterpretq_s32_u32(a) ((int32x4_t)(a))
#define vreinterpret_s16_u16(a) ((int16x4_t)(a))
#define vreinterpret_u8_u32(a) ((uint8x8_t)(a))
#define vget_lane_u64(a, lane) ((a)[lane])
#define vgetq_lane_u64(a, lane) ((a)[lane])

#endif
#endif
