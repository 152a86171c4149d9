/* SPDX-License-Identifier: MIT */
/* JPEGs that the tests make themselves. */
#ifndef TEST_SUPPORT_SAMPLE_JPEG_H
#define TEST_SUPPORT_SAMPLE_JPEG_H

#include <stdint.h>
#include <stdio.h>

#include <jpeglib.h>

/*
 * A smooth coloured picture, 4:2:0. kind: JCS_RGB, JCS_GRAYSCALE or JCS_CMYK. exif: NULL or an APP1 block.
 * Returns the file of *size bytes, for free.
 */
uint8_t *sample_jpeg(
	int width, int height, J_COLOR_SPACE kind, const uint8_t *exif, size_t exif_size, size_t *size);

#endif
