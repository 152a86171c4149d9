/* SPDX-License-Identifier: MIT */
/* JPEGs made by the tests themselves. */
#ifndef UNIT_SAMPLE_JPEG_H
#define UNIT_SAMPLE_JPEG_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

/* A smooth coloured picture, 4:2:0. kind: JCS_RGB, JCS_GRAYSCALE or JCS_CMYK. exif: NULL or an APP1 block.
 * Freed by free. */
static inline uint8_t *sample_jpeg(
	int width, int height, J_COLOR_SPACE kind, const uint8_t *exif, size_t exif_size, size_t *size)
{
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr manager;
	uint8_t *out = NULL;
	unsigned long bytes = 0;
	int channels = kind == JCS_RGB ? 3 : kind == JCS_CMYK ? 4 : 1;
	uint8_t *row = malloc((size_t)width * 4);

	c.err = jpeg_std_error(&manager);
	jpeg_create_compress(&c);
	jpeg_mem_dest(&c, &out, &bytes);
	c.image_width = (JDIMENSION)width;
	c.image_height = (JDIMENSION)height;
	c.input_components = channels;
	c.in_color_space = kind;
	jpeg_set_defaults(&c);
	jpeg_set_quality(&c, 90, TRUE);
	jpeg_start_compress(&c, TRUE);
	if (exif)
		jpeg_write_marker(&c, JPEG_APP0 + 1, exif, (unsigned int)exif_size);
	for (int y = 0; y < height && row; y++) {
		for (int x = 0; x < width; x++)
			for (int k = 0; k < channels; k++)
				row[x * channels + k] = (uint8_t)(k == 0   ? 255 * x / width
								  : k == 1 ? 255 * y / height
									   : 60 * k);
		jpeg_write_scanlines(&c, &row, 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	free(row);
	*size = bytes;
	return out;
}

#endif
