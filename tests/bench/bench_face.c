/* SPDX-License-Identifier: MIT */
/* Times the search for faces in a picture: bench_face PICTURE [ROUNDS]. The least time is told. */
#include "base/clock.h"
#include "base/error.h"
#include "image/decode.h"
#include "image/face.h"
#include "image/resize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	static uint8_t grey[FACE_AREA_MAXIMUM], copy[FACE_AREA_MAXIMUM];
	int rounds = argc > 2 ? atoi(argv[2]) : 100, width, height, count = 0;
	struct face faces[FACES_MAXIMUM];
	struct picture picture = {0};
	int64_t least = INT64_MAX;
	struct error e;

	if (argc < 2 || picture_read_file(argv[1], &picture, &e)) {
		fprintf(stderr, "%s\n", argc < 2 ? "usage: bench_face PICTURE [ROUNDS]" : e.text);
		return 1;
	}
	face_search_size(picture.width, picture.height, &width, &height);
	resize_to_input(&picture, grey, width, height, 1);
	for (int i = 0; i < rounds; i++) {
		memcpy(copy, grey, (size_t)width * (size_t)height);
		int64_t begun = clock_now();
		count = face_find(copy, width, height, faces);
		int64_t took = clock_now() - begun;
		least = took < least ? took : least;
	}
	printf("%dx%d: %.2f ms\n", width, height, (double)least / NS_PER_MS);
	for (int i = 0; i < count; i++)
		printf("%d %d %d, %d windows\n", faces[i].x, faces[i].y, faces[i].side, faces[i].hits);
	picture_finish(&picture);
	return 0;
}
