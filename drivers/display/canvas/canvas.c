/* SPDX-License-Identifier: MIT */
#include "display/canvas/canvas.h"

#include "image/picture.h"

#include <libyuv.h>
#include <stddef.h>
#include <string.h>

struct rectangle rectangle_fit(int width, int height, int room_width, int room_height)
{
	int64_t by_width = (int64_t)height * room_width, by_height = (int64_t)width * room_height;
	struct rectangle r = {.width = room_width, .height = room_height};

	if (by_height < by_width)
		r.width = (int)((by_height + height / 2) / height);
	else
		r.height = (int)((by_width + width / 2) / width);
	r.width = r.width < 1 ? 1 : r.width;
	r.height = r.height < 1 ? 1 : r.height;
	r.x = (room_width - r.width) / 2;
	r.y = (room_height - r.height) / 2;
	return r;
}

void canvas_draw(struct canvas *canvas, const struct picture *picture)
{
	struct rectangle r = rectangle_fit(picture->width, picture->height, canvas->width, canvas->height);

	/* Clears what an earlier picture of another shape left beside this one. */
	if (memcmp(&r, &canvas->drawn, sizeof(r)) != 0)
		memset(canvas->data, 0, (size_t)canvas->stride * (size_t)canvas->height);
	canvas->drawn = r;
	ARGBScale(picture->data, picture->width * 4, picture->width, picture->height,
		canvas->data + (ptrdiff_t)r.y * canvas->stride + (ptrdiff_t)r.x * 4, canvas->stride, r.width,
		r.height, kFilterBox);
}
