/* SPDX-License-Identifier: MIT */
#include "support/simulated_qnn_mo.h"

#include "base/clock.h"
#include "base/error.h"
#include "nn/reference.h"
#include "pl/bus/bus.h"
#include "support/layer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct jam jam = {.lock = PTHREAD_MUTEX_INITIALIZER};

int __real_bus_open(const struct bus_driver *driver, const struct bus_window *windows, int count,
	const char *bitstream, struct bus **out, struct error *e);
int __wrap_bus_open(const struct bus_driver *driver, const struct bus_window *windows, int count,
	const char *bitstream, struct bus **out, struct error *e);

static void jam_break(const char *rule, uint64_t value)
{
	if (!jam.broken[0])
		snprintf(jam.broken, sizeof(jam.broken), "call %d: %s (0x%llx)", jam.calls, rule,
			(unsigned long long)value);
}

void jam_begin(void)
{
	pthread_mutex_lock(&jam.lock);
	jam.fault = JAM_SOUND;
	jam.fault_at = jam.program_fails = jam.open_fails = 0;
	jam.slow = 0;
	jam.while_programmed = NULL;
	jam.interrupt = JAM_UNCONNECTED;
	jam.control_after_program = 4;
	jam.address = JAM_ADDRESS;
	jam.broken[0] = jam.bitstream[0] = '\0';
	jam.calls = jam.reconfigurations = jam.interrupts = jam.kernel = 0;
	jam.fresh = jam.busy = jam.done = jam.gone = false;
	memset(jam.registers, 0, sizeof(jam.registers));
	pthread_mutex_unlock(&jam.lock);
}

void jam_fault(enum jam_fault fault, int calls_from_now)
{
	pthread_mutex_lock(&jam.lock);
	jam.fault = fault;
	jam.fault_at = jam.calls + calls_from_now;
	pthread_mutex_unlock(&jam.lock);
}

int jam_calls(void)
{
	pthread_mutex_lock(&jam.lock);
	int calls = jam.calls;
	pthread_mutex_unlock(&jam.lock);
	return calls;
}

void jam_release(void)
{
	pthread_mutex_lock(&jam.lock);
	jam.until = 0;
	pthread_mutex_unlock(&jam.lock);
}

static uint32_t jam_register(uint32_t offset)
{
	return jam.registers[offset / 4];
}

/* The block's view of `bytes` bytes at the address in a pair of registers. NULL: that broke a rule. */
static uint8_t *jam_memory(uint32_t offset, size_t bytes)
{
	uint64_t address = jam_register(offset) | (uint64_t)jam_register(offset + 4) << 32;

	if (address % 8)
		jam_break("an address is not one of a 64-bit word", address);
	for (int i = 0; i < JAM_BLOCKS; i++) {
		struct jam_block *b = &jam.blocks[i];

		if (b->data && address >= b->address && address - b->address <= b->size &&
			bytes <= b->size - (address - b->address))
			return b->dram + (address - b->address);
	}
	jam_break("an address is not in the memory that was given, or the data run over its end", address);
	return NULL;
}

static uint64_t jam_word(const uint8_t *bytes, size_t index)
{
	uint64_t word = 0;

	for (int i = 7; i >= 0; i--)
		word = word << 8 | bytes[index * 8 + (size_t)i];
	return word;
}

/* Half of the PEs: the weights of each, then the thresholds of each. */
static void jam_load_half(const uint8_t *stream, int first_pe, int weights)
{
	size_t at = 0;

	for (int pe = first_pe; pe < first_pe + JAM_PES / 2; pe++)
		for (int i = 0; i < weights; i++)
			jam.weights[pe][i] = jam_word(stream, at++);
	for (int pe = first_pe; pe < first_pe + JAM_PES / 2; pe++)
		for (int i = 0; i < JAM_THRESHOLDS; i++)
			jam.thresholds[pe][i] = jam_word(stream, at++);
}

static void jam_load(void)
{
	int kernel = (int)jam_register(0x44), weights = kernel == 3 ? 648 : 1800;
	size_t bytes = (size_t)(16 * (weights + JAM_THRESHOLDS)) * 8;

	if (kernel != 3 && kernel != 5)
		jam_break("parameters of a kernel that is neither 3 nor 5", jam_register(0x44));
	if (jam_register(0x3c) != 1)
		jam_break("parameters of another type than 1", jam_register(0x3c));
	const uint8_t *in1 = jam_memory(0x10, bytes), *in2 = jam_memory(0x1c, bytes);
	if (jam.broken[0])
		return;
	jam_load_half(in1, 0, weights);
	jam_load_half(in2, 16, weights);
	jam.kernel = kernel;
}

/* One convolution, and its pool or none, from the registers; channels out are a multiple of the PEs. */
struct jam_job {
	struct layer convolution, pool;
	bool pooled;
	int padded, pool_in;
};

static struct shape jam_square(uint32_t side, int channels)
{
	return (struct shape){(int)side, (int)side, channels};
}

static void jam_pad(struct layer *l, uint32_t padded)
{
	int sum = (int)padded - l->in.height;

	l->pad_top = l->pad_left = sum / 2;
	l->pad_bottom = l->pad_right = sum - sum / 2;
}

static void jam_check_job(bool pooled)
{
	uint32_t kernel = jam_register(0x44), in = jam_register(0x64), padded = jam_register(0x6c);
	uint32_t out = jam_register(0x74), pool_in = jam_register(0x7c), pool_out = jam_register(0x84);
	uint32_t stride = jam_register(0x8c);

	if (jam_register(0x3c) != 1 && !pooled)
		jam_break("a type that is neither 1 nor 2", jam_register(0x3c));
	if (!jam.kernel)
		jam_break("computes before parameters were loaded", 0);
	if ((int)kernel != jam.kernel)
		jam_break("the kernel is not that of the parameters", kernel);
	if (jam_register(0x4c) != 0)
		jam_break("a stride", jam_register(0x4c));
	if (jam_register(0x54) < 1 || jam_register(0x54) > 384)
		jam_break("channels in", jam_register(0x54));
	if (jam_register(0x5c) < 1 || jam_register(0x5c) > 384)
		jam_break("channels out", jam_register(0x5c));
	if (in < 1 || in > padded || padded > 64 || padded < kernel)
		jam_break("padded side", padded);
	if (out != padded - kernel + 1)
		jam_break("side of the convolution's output", out);
	if (!pooled && (pool_in != out || pool_out != out || stride != 0))
		jam_break("a pool that is none", pool_in);
	if (pooled && (pool_in < out || pool_in > 64 || pool_in < 3 || stride > 1 ||
			      pool_out != (pool_in - 3) / (1U << stride) + 1))
		jam_break("a pool of impossible sides", pool_in);
}

static void jam_weights(struct layer *l)
{
	int depth = l->in.channels, blocks = (depth + 63) / 64, places = l->kernel_height * l->kernel_width;
	int8_t *weight = l->weights;

	for (int channel = 0; channel < l->out.channels; channel++) {
		const uint64_t *words = jam.weights[channel % JAM_PES];
		uint64_t thresholds = jam.thresholds[channel % JAM_PES][channel / JAM_PES];

		words += (size_t)(channel / JAM_PES) * (size_t)(places * blocks);
		for (int place = 0; place < places; place++)
			for (int c = 0; c < depth; c++)
				*weight++ = words[place * blocks + c / 64] >> c % 64 & 1 ? -1 : 1;
		for (int i = 0; i < 3; i++)
			l->thresholds[channel * 3 + i] = (int16_t)(thresholds >> 16 * i & 0xffff);
		l->invert[channel] = thresholds >> 48 & 1;
	}
}

/* The block multiplies lanes without a channel by weights, too: their codes must be 0. */
static uint8_t *jam_codes(const uint8_t *memory, struct shape shape)
{
	uint8_t *codes = malloc(shape_size(shape)), *code = codes;
	int lanes = (shape.channels + 63) / 64 * 64;

	for (int i = 0; i < shape.height * shape.width; i++, memory += JAM_PIXEL)
		for (int c = 0; c < lanes; c++) {
			uint8_t value = memory[c / 4] >> c % 4 * 2 & 3;

			if (c < shape.channels)
				*code++ = value;
			else if (value)
				jam_break("a code in a lane without a channel", (uint64_t)c);
		}
	return codes;
}

static void jam_store(const uint8_t *codes, struct shape shape, uint8_t *memory)
{
	memset(memory, 0, (size_t)(shape.height * shape.width) * JAM_PIXEL);
	for (int i = 0; i < shape.height * shape.width; i++, memory += JAM_PIXEL)
		for (int c = 0; c < shape.channels; c++)
			memory[c / 4] |= (uint8_t)(*codes++ << c % 4 * 2);
}

static void jam_run(const struct layer *convolution, const struct layer *pool, uint8_t *in, uint8_t *out)
{
	uint8_t *codes = jam_codes(in, convolution->in), *sums = malloc(shape_size(convolution->out));
	uint8_t *pooled = pool ? malloc(shape_size(pool->out)) : NULL;

	layer_compute(convolution, codes, sums);
	if (pool)
		layer_compute(pool, sums, pooled);
	jam_store(pool ? pooled : sums, pool ? pool->out : convolution->out, out);
	free(codes);
	free(sums);
	free(pooled);
}

static void jam_compute(void)
{
	bool pooled = jam_register(0x3c) == 2;
	int channels = (int)((jam_register(0x5c) + 31) / 32 * 32);

	jam_check_job(pooled);
	uint8_t *in = jam_memory(0x10, (size_t)jam_register(0x64) * jam_register(0x64) * JAM_PIXEL);
	uint8_t *out = jam_memory(0x28, (size_t)jam_register(0x84) * jam_register(0x84) * JAM_PIXEL);
	if (jam.broken[0])
		return;
	if (out < in + (size_t)jam_register(0x64) * jam_register(0x64) * JAM_PIXEL &&
		in < out + (size_t)jam_register(0x84) * jam_register(0x84) * JAM_PIXEL)
		jam_break("output over input", jam_register(0x28));
	struct layer convolution = {.kind = LAYER_CONV,
		.in = jam_square(jam_register(0x64), (int)jam_register(0x54)),
		.out = jam_square(jam_register(0x74), channels),
		.kernel_height = jam.kernel,
		.kernel_width = jam.kernel,
		LAYER_STEPS_OF_ONE,
		.groups = 1,
		.input_bits = 2,
		.weight_bits = 1,
		.output_bits = 2,
		.epilogue = EPILOGUE_THRESHOLDS};
	struct layer pool = {.kind = LAYER_MAX_POOL,
		.in = convolution.out,
		.out = jam_square(jam_register(0x84), channels),
		.kernel_height = 3,
		.kernel_width = 3,
		.stride_height = 1 << jam_register(0x8c),
		.stride_width = 1 << jam_register(0x8c),
		.dilation_height = 1,
		.dilation_width = 1,
		.groups = 1,
		.input_bits = 2,
		.output_bits = 2};
	size_t depth = (size_t)(jam.kernel * jam.kernel * convolution.in.channels);

	jam_pad(&convolution, jam_register(0x6c));
	jam_pad(&pool, jam_register(0x7c));
	convolution.weights = malloc(depth * (size_t)channels);
	convolution.thresholds = malloc((size_t)channels * 3 * sizeof(int32_t));
	convolution.invert = malloc((size_t)channels);
	jam_weights(&convolution);
	jam_run(&convolution, pooled ? &pool : NULL, in, out);
	free(convolution.weights);
	free(convolution.thresholds);
	free(convolution.invert);
}

static void jam_start(void)
{
	enum jam_fault fault = ++jam.calls == jam.fault_at ? jam.fault : JAM_SOUND;

	if (jam.busy)
		jam_break("started while it computes", 0);
	jam.fresh = false;
	jam.busy = fault != JAM_FORGETS;
	jam.done = false;
	jam.gone = fault == JAM_IS_GONE;
	jam.until = INT64_MAX;
	if (fault == JAM_FORGETS)
		return;
	if (jam_register(0x34) == 1)
		jam_load();
	else
		jam_compute();
	if (fault != JAM_HANGS)
		jam.until = clock_now() + (fault == JAM_IS_SLOW ? jam.slow : JAM_CALL);
}

/* Ends the call once its time is over. */
static void jam_tick(void)
{
	if (!jam.busy || clock_now() < jam.until)
		return;
	jam.busy = false;
	jam.done = true;
	jam.registers[0x0c / 4] |= jam_register(0x08) & 1;
}

static uint32_t jam_read_locked(uint32_t offset)
{
	if (offset > 0x0c)
		jam_break("a register that cannot be read", offset);
	if (jam.gone)
		return UINT32_MAX;
	jam_tick();
	if (offset)
		return jam_register(offset);
	uint32_t control = (jam.busy ? 1U : 4U) | (jam.done ? 2U : 0U);
	if (jam.fresh)
		control = jam.control_after_program;
	jam.done = false;
	return control;
}

static void jam_write_locked(uint32_t offset, uint32_t value)
{
	static const uint32_t known[] = {0x04, 0x08, 0x0c, 0x10, 0x14, 0x1c, 0x20, 0x28, 0x2c, 0x34, 0x3c,
		0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0x8c};
	bool found = false;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		found |= known[i] == offset;
	if (jam.gone)
		return;
	jam_tick();
	if (offset == 0 && value == 1) {
		jam_start();
		return;
	}
	if (!found)
		jam_break("a register that is not there, or a bit of control that is not start", offset);
	if (jam.busy)
		jam_break("a register written while it computes", offset);
	if (offset == 0x34 && value > 1)
		jam_break("the init register has one bit", value);
	if (offset == 0x0c)
		value ^= jam_register(offset);
	if (found)
		jam.registers[offset / 4] = value;
}

static uint32_t jam_read(void *state, int window, uint32_t offset)
{
	(void)state, (void)window;
	pthread_mutex_lock(&jam.lock);
	uint32_t value = jam_read_locked(offset);
	pthread_mutex_unlock(&jam.lock);
	return value;
}

static void jam_write(void *state, int window, uint32_t offset, uint32_t value)
{
	(void)state, (void)window;
	pthread_mutex_lock(&jam.lock);
	jam_write_locked(offset, value);
	pthread_mutex_unlock(&jam.lock);
}

static int jam_open(
	const struct bus_window *windows, int count, const char *bitstream, void **state, struct error *e)
{
	*state = &jam;
	snprintf(jam.bitstream, sizeof(jam.bitstream), "%s", bitstream ? bitstream : "");
	if (count != 1 || strcmp(windows[0].name, "qnn-mo") != 0)
		jam_break("another device's registers", 0);
	return jam.open_fails ? error_set(e, -jam.open_fails, "no device here") : 0;
}

static void jam_close(void *state)
{
	(void)state;
	for (int i = 0; i < JAM_BLOCKS; i++)
		if (jam.blocks[i].data) {
			jam_break("memory was not freed", jam.blocks[i].address);
			free(jam.blocks[i].data);
			free(jam.blocks[i].dram);
			jam.blocks[i].data = NULL;
		}
}

static int jam_allocate(void *state, size_t size, struct bus_memory *out, struct error *e)
{
	(void)state;
	for (int i = 0; i < JAM_BLOCKS; i++) {
		struct jam_block *b = &jam.blocks[i];

		if (b->data)
			continue;
		*b = (struct jam_block){
			aligned_alloc(4096, (size + 4095) / 4096 * 4096), malloc(size), size, jam.address};
		jam.address += size + 4096;
		memset(b->data, 0, size);
		memset(b->dram, 0xa5, size); /* to_design has not copied the zeros yet */
		*out = (struct bus_memory){b->data, b->address, size, b};
		return 0;
	}
	return error_set(e, -ENOMEM, "no more memory");
}

static void jam_free(void *state, struct bus_memory *memory)
{
	struct jam_block *b = memory->owner;

	(void)state;
	pthread_mutex_lock(&jam.lock);
	jam_tick();
	if (jam.busy)
		jam_break("memory was freed while it computes", b->address);
	free(b->data);
	free(b->dram);
	b->data = NULL;
	pthread_mutex_unlock(&jam.lock);
}

static void jam_to_design(void *state, const struct bus_memory *memory, size_t offset, size_t size)
{
	struct jam_block *b = memory->owner;

	(void)state;
	memcpy(b->dram + offset, b->data + offset, size);
}

static void jam_from_design(void *state, const struct bus_memory *memory, size_t offset, size_t size)
{
	struct jam_block *b = memory->owner;

	(void)state;
	memcpy(b->data + offset, b->dram + offset, size);
}

static int jam_wait(void *state, int window, int64_t deadline)
{
	(void)state, (void)window;
	if (jam.interrupt == JAM_UNCONNECTED)
		return -EIO;
	for (;;) {
		pthread_mutex_lock(&jam.lock);
		jam_tick();
		bool came = jam.interrupt == JAM_SENSELESS ||
			    (jam.interrupt == JAM_CONNECTED && jam_register(0x04) && jam_register(0x0c));
		jam.interrupts += came;
		pthread_mutex_unlock(&jam.lock);
		if (came)
			return 0;
		if (clock_now() >= deadline)
			return -ETIMEDOUT;
		nanosleep(&(struct timespec){.tv_nsec = 10000}, NULL);
	}
}

static int jam_program(void *state, struct error *e)
{
	int rc = 0;

	(void)state;
	if (jam.while_programmed)
		jam.while_programmed();
	pthread_mutex_lock(&jam.lock);
	if (jam.program_fails) {
		jam.program_fails--;
		rc = error_set(e, -EIO, "the PL takes no design");
	} else {
		jam.reconfigurations++;
		jam.busy = jam.done = jam.gone = false;
		jam.fresh = true;
		jam.kernel = 0;
		memset(jam.registers, 0, sizeof(jam.registers));
		memset(jam.weights, 0, sizeof(jam.weights));
	}
	pthread_mutex_unlock(&jam.lock);
	return rc;
}

static const struct bus_driver jam_bus = {
	.name = "simulated",
	.open = jam_open,
	.close = jam_close,
	.read = jam_read,
	.write = jam_write,
	.allocate = jam_allocate,
	.free = jam_free,
	.to_design = jam_to_design,
	.from_design = jam_from_design,
	.wait = jam_wait,
	.program = jam_program,
};

int __wrap_bus_open(const struct bus_driver *driver, const struct bus_window *windows, int count,
	const char *bitstream, struct bus **out, struct error *e)
{
	return __real_bus_open(driver == &bus_uio ? &jam_bus : driver, windows, count, bitstream, out, e);
}
