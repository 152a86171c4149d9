/* SPDX-License-Identifier: MIT */
/* From a picture of the caller to what the network sees, and from scores to an answer. */
#include "image/view.h"
#include "internal.h"
#include "nn/classify.h"

#include <errno.h>
#include <stdlib.h>

/* Where a format has red, green and blue in a pixel of so many bytes. */
static const struct {
	int bytes, red, green, blue;
} formats[] = {
	[TWOBIT_RGB] = {3, 0, 1, 2},
	[TWOBIT_BGR] = {3, 2, 1, 0},
	[TWOBIT_GREY] = {1, 0, 0, 0},
	[TWOBIT_RGBX] = {4, 0, 1, 2},
	[TWOBIT_BGRX] = {4, 2, 1, 0},
};

static const enum view_origin origins[] = {
	[TWOBIT_FROM_FILE] = VIEW_FROM_FILE,
	[TWOBIT_FROM_CAMERA] = VIEW_FROM_CAMERA,
	[TWOBIT_FROM_DATASET] = VIEW_FROM_DATASET,
};

static int check_picture(const struct twobit_picture *picture, struct twobit_error *error)
{
	if ((size_t)picture->format >= sizeof(formats) / sizeof(formats[0]))
		return library_refuse(
			error, -EINVAL, "a picture has the unknown format %d", (int)picture->format);
	if ((size_t)picture->origin >= sizeof(origins) / sizeof(origins[0]))
		return library_refuse(
			error, -EINVAL, "a picture has the unknown origin %d", (int)picture->origin);
	if (picture->width < 1 || picture->height < 1 || picture->width > PICTURE_SIDE_MAXIMUM ||
		picture->height > PICTURE_SIDE_MAXIMUM)
		return library_refuse(error, -EINVAL, "a picture has %d×%d pixels; a side has 1 to %d",
			picture->width, picture->height, PICTURE_SIDE_MAXIMUM);
	if (!picture->pixels)
		return library_refuse(error, -EINVAL, "a picture has no pixels");
	return 0;
}

static int convert(const struct twobit_picture *picture, struct picture *out, struct twobit_error *error)
{
	int bytes = formats[picture->format].bytes;
	ptrdiff_t stride = picture->stride ? picture->stride : (ptrdiff_t)picture->width * bytes;
	int status = picture_resize(out, picture->width, picture->height);

	if (status)
		return library_refuse(
			error, status, "no memory for %d×%d pixels", picture->width, picture->height);
	uint8_t *to = out->data;
	for (int y = 0; y < picture->height; y++) {
		const uint8_t *from = picture->pixels + y * stride;
		for (int x = 0; x < picture->width; x++, from += bytes, to += 4) {
			to[0] = from[formats[picture->format].blue];
			to[1] = from[formats[picture->format].green];
			to[2] = from[formats[picture->format].red];
			to[3] = 0xff;
		}
	}
	return 0;
}

int library_codes(const struct network *network, const struct twobit_picture *picture, struct picture *bgrx,
	uint8_t *codes, struct twobit_area *area, struct twobit_error *error)
{
	const struct layer *first = &network->layers[0];
	struct shape in = network_tensor(network, NETWORK_INPUT).shape;
	struct picture_area look;

	if (in.channels != 1 && in.channels != 3)
		return library_refuse(error, -EINVAL,
			"%s takes codes of %d channels, not the pixels of a picture", network->name,
			in.channels);
	int status = check_picture(picture, error);
	if (!status)
		status = convert(picture, bgrx, error);
	if (status)
		return status;
	enum view_origin origin = origins[picture->origin];
	if (!view_look(&network->view, origin, bgrx, NULL, 0, in.width, in.height, &look))
		return 0;
	view_input(&network->view, origin, bgrx, &look, codes, in.width, in.height, in.channels,
		first->input_bits);
	if (area)
		*area = (struct twobit_area){look.x, look.y, look.width, look.height};
	return 1;
}

int twobit_picture_codes(const struct twobit_network *network, const struct twobit_picture *picture,
	uint8_t *codes, struct twobit_area *area, struct twobit_error *error)
{
	struct picture bgrx = {0};
	int status = library_codes(network->network, picture, &bgrx, codes, area, error);

	picture_finish(&bgrx);
	return status;
}

void library_answer(
	const struct network *network, const int32_t *scores, double *work, struct twobit_answer *out)
{
	struct classification result;

	classify_scores(network, scores, work, &result);
	struct headline headline = classification_headline(&result, classification_threshold(network, -1));
	out->name = headline_name(&headline, network);
	out->confidence = headline.confidence;
	out->count = result.count;
	for (int i = 0; i < result.count; i++)
		out->top[i] = (struct twobit_prediction){result.top[i].index, result.top[i].confidence};
}

int twobit_network_answer(const struct twobit_network *network, const int32_t *scores,
	struct twobit_answer *out, struct twobit_error *error)
{
	const struct network *n = network->network;

	*out = (struct twobit_answer){0};
	if (!n->class_count)
		return library_refuse(error, -EINVAL, "%s ends in codes, not in scores of classes", n->name);
	double *work = malloc(sizeof(*work) * (size_t)n->class_count);
	if (!work)
		return library_refuse(error, -ENOMEM, "no memory for %d classes", n->class_count);
	library_answer(n, scores, work, out);
	free(work);
	return 0;
}
