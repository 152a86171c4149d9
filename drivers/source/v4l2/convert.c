/* SPDX-License-Identifier: MIT */
#include "source/v4l2/convert.h"

#include "base/error.h"

#include <errno.h>
#include <libv4lconvert.h>

/* What libv4lconvert turns into I420 and cameras give: RGB, other YUV, Bayer, and the old webcams' own. */
static const uint32_t converted_formats[] = {V4L2_PIX_FMT_RGB24, V4L2_PIX_FMT_BGR24, V4L2_PIX_FMT_RGB565,
	V4L2_PIX_FMT_RGB32, V4L2_PIX_FMT_XRGB32, V4L2_PIX_FMT_ARGB32, V4L2_PIX_FMT_YVYU, V4L2_PIX_FMT_VYUY,
	V4L2_PIX_FMT_YVU420, V4L2_PIX_FMT_NV16, V4L2_PIX_FMT_NV61, V4L2_PIX_FMT_YUV422P, V4L2_PIX_FMT_M420,
	V4L2_PIX_FMT_SBGGR8, V4L2_PIX_FMT_SGBRG8, V4L2_PIX_FMT_SGRBG8, V4L2_PIX_FMT_SRGGB8, V4L2_PIX_FMT_PJPG,
	V4L2_PIX_FMT_SPCA501, V4L2_PIX_FMT_SPCA505, V4L2_PIX_FMT_SPCA508, V4L2_PIX_FMT_SPCA561,
	V4L2_PIX_FMT_PAC207, V4L2_PIX_FMT_MR97310A, V4L2_PIX_FMT_JL2005BCD, V4L2_PIX_FMT_OV511,
	V4L2_PIX_FMT_OV518, V4L2_PIX_FMT_SQ905C, V4L2_PIX_FMT_SN9C10X, V4L2_PIX_FMT_SN9C2028,
	V4L2_PIX_FMT_SN9C20X_I420, V4L2_PIX_FMT_STV0680, V4L2_PIX_FMT_KONICA420, V4L2_PIX_FMT_CPIA1,
	V4L2_PIX_FMT_SE401, V4L2_PIX_FMT_TM6000};

bool v4l2_converter_reads(uint32_t code)
{
	for (size_t i = 0; i < sizeof(converted_formats) / sizeof(converted_formats[0]); i++)
		if (converted_formats[i] == code)
			return true;
	return false;
}

struct v4lconvert_data *v4l2_converter_create(int fd)
{
	return v4lconvert_create(fd);
}

void v4l2_converter_destroy(struct v4lconvert_data *converter)
{
	if (converter)
		v4lconvert_destroy(converter);
}

int v4l2_converter_run(struct v4lconvert_data *converter, const struct v4l2_pix_format *format,
	const uint8_t *from, size_t from_size, uint8_t *to, size_t to_size, struct error *e)
{
	struct v4l2_format source = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .fmt.pix = *format};
	struct v4l2_format i420 = source;

	i420.fmt.pix.pixelformat = V4L2_PIX_FMT_YUV420;
	v4lconvert_fixup_fmt(&i420);
	if (v4lconvert_convert(
		    converter, &source, &i420, (unsigned char *)from, (int)from_size, to, (int)to_size) < 0)
		return error_set(e, -EBADMSG, "a broken frame: %s", v4lconvert_get_error_message(converter));
	return 0;
}
