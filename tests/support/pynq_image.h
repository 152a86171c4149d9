/* SPDX-License-Identifier: MIT */
/*
 * The files of stock PYNQ images in a folder (simulated_board.h), with zocl behind its node and base.bit in
 * the PL. It defines __wrap_device_ioctl and __wrap_nanosleep: tests/CMakeLists.txt links the test with them.
 */
#ifndef TEST_SUPPORT_PYNQ_IMAGE_H
#define TEST_SUPPORT_PYNQ_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What differs between the images, as their sources have it. */
struct pynq_image {
	const char *release, *zocl; /* the kernel's; the render node */
	int fabric;		    /* number of its UIO device */
};

#define PYNQ_IMAGES 2
extern const struct pynq_image pynq_images[PYNQ_IMAGES]; /* v3.0.1, v3.1 */

/* The image as it is after it has started: base.bit is in the PL. home/overlay.bit is what loads our design,
 * whose registers stand already where they will be. */
void pynq_image_start(const struct pynq_image *image);

/* The path of `fabric`; valid until the next call. */
const char *pynq_image_fabric(const struct pynq_image *image);

void pynq_image_put_word(const char *path, long at, uint32_t value);
void pynq_image_put_identity(
	const struct pynq_image *image, uint32_t identity, uint32_t major, uint32_t parts);
void pynq_image_put_scanout(const struct pynq_image *image, long offset, uint32_t value);
/* home/overlay.bit for a part, without so many of its last bytes. */
void pynq_image_put_bitstream(const char *part, size_t missing);

/* Whether zocl has memory; the image's start says yes. */
void pynq_image_set_memory(bool is_there);

/* The VDMA and the clock of base.bit work from now on, whenever the program sleeps. Returns their registers.
 */
uint32_t *pynq_image_begin_base(void);
void pynq_image_end_base(void);

#endif
