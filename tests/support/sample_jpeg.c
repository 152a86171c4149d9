/* SPDX-License-Identifier: MIT */
#include "support/sample_jpeg.h"

#include <stdlib.h>

uint8_t *sample_jpeg(
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
