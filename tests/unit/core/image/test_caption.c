/* SPDX-License-Identifier: MIT */
#include "image/caption.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Where a picture differs from the grey that it was made of; x1 and y1 are behind the last such pixel. */
struct box {
	int x0, y0, x1, y1;
};

static struct picture grey_picture(int width, int height)
{
	struct picture picture = {.width = width, .height = height};

	picture.capacity = (size_t)width * (size_t)height * 4;
	picture.data = malloc(picture.capacity);
	assert_non_null(picture.data);
	memset(picture.data, 200, picture.capacity);
	return picture;
}

static struct box changed_within(const struct picture *p, struct box where)
{
	struct box box = {p->width, p->height, 0, 0};

	for (int y = where.y0; y < where.y1; y++)
		for (int x = where.x0; x < where.x1; x++) {
			const uint8_t *pixel = p->data + 4 * ((size_t)y * (size_t)p->width + (size_t)x);
			if (pixel[0] == 200 && pixel[1] == 200 && pixel[2] == 200)
				continue;
			box.x0 = x < box.x0 ? x : box.x0;
			box.y0 = y < box.y0 ? y : box.y0;
			box.x1 = x >= box.x1 ? x + 1 : box.x1;
			box.y1 = y >= box.y1 ? y + 1 : box.y1;
		}
	return box;
}

static struct box changed(const struct picture *p)
{
	return changed_within(p, (struct box){0, 0, p->width, p->height});
}

static bool nothing(struct box box)
{
	return box.x1 <= box.x0;
}

static struct caption_drawer *drawer_create(void)
{
	struct caption_drawer *drawer;

	assert_int_equal(caption_create(&drawer), 0);
	return drawer;
}

/* The box that a caption changes on a fresh picture. */
static struct box drawn(int width, int height, const struct caption *caption)
{
	struct caption_drawer *drawer = drawer_create();
	struct picture picture = grey_picture(width, height);

	caption_draw(drawer, &picture, caption);
	struct box box = changed(&picture);
	free(picture.data);
	caption_destroy(drawer);
	return box;
}

static const struct caption dog = {
	.headline = "dog", .confidence = 0.91F, .detail = "golden retriever", .detail_confidence = 0.40F};

static void label_stands_at_the_bottom_left(void **state)
{
	static const int sizes[][2] = {{320, 240}, {640, 480}, {1280, 720}, {1920, 1080}};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int width = sizes[i][0], height = sizes[i][1];
		struct box box = drawn(width, height, &dog);

		assert_in_range(box.x0, 1, width / 10);
		assert_in_range(box.x1, width / 5, width * 2 / 3);
		assert_in_range(box.y0, height / 2, height - height / 12);
		assert_in_range(box.y1, height * 9 / 10, height - 1);
	}
}

static void statistics_stand_at_the_top_right(void **state)
{
	struct caption caption = {.statistics = true, .frames_per_second = 29.8, .latency_ms = 34};

	(void)state;
	struct box box = drawn(640, 480, &caption);
	assert_in_range(box.x0, 320, 600);
	assert_in_range(box.x1, 560, 639);
	assert_in_range(box.y0, 1, 48);
	assert_in_range(box.y1, 10, 96);
	caption.statistics = false;
	assert_true(nothing(drawn(640, 480, &caption)));
	caption.statistics = true;
	caption.frames_per_second = caption.latency_ms = 0; /* not known yet */
	assert_true(nothing(drawn(640, 480, &caption)));
}

static bool red_within(const struct picture *p, struct box where)
{
	for (int y = where.y0; y < where.y1; y++)
		for (int x = where.x0; x < where.x1; x++) {
			const uint8_t *pixel = p->data + 4 * ((size_t)y * (size_t)p->width + (size_t)x);
			if (pixel[2] > 200 && pixel[0] < 80 && pixel[1] < 80)
				return true;
		}
	return false;
}

/* A red dot at the top left, beside which the longest line of statistics ends. */
static void recording_is_a_red_dot(void **state)
{
	static const int sizes[][2] = {{160, 120}, {320, 240}, {640, 480}, {1920, 1080}};
	char status[300];
	struct caption caption = {.status = status, .recording = true};

	(void)state;
	memset(status, 'x', sizeof(status) - 1);
	status[sizeof(status) - 1] = '\0';
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct caption_drawer *drawer = drawer_create();
		struct picture picture = grey_picture(sizes[i][0], sizes[i][1]);
		int left = picture.width / 5, top = picture.height / 4;
		caption_draw(drawer, &picture, &caption);
		assert_true(red_within(&picture, (struct box){0, 0, left, top}));
		assert_false(red_within(&picture, (struct box){left, 0, picture.width, picture.height}));
		assert_false(red_within(&picture, (struct box){0, top, picture.width, picture.height}));
		free(picture.data);
		caption_destroy(drawer);
	}
}

/* A note stands at the left below the statistics, however long both are. */
static void note_stands_below_the_statistics(void **state)
{
	static const int sizes[][2] = {{160, 120}, {320, 240}, {640, 480}, {1920, 1080}};
	char status[300];
	struct caption line = {.status = status}, note = {0};

	(void)state;
	memset(status, 'x', sizeof(status) - 1);
	status[sizeof(status) - 1] = '\0';
	memset(note.note, 'y', sizeof(note.note) - 1);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int width = sizes[i][0], height = sizes[i][1];
		struct box above = drawn(width, height, &line), box = drawn(width, height, &note);
		assert_in_range(box.x0, 1, width / 10);
		assert_in_range(box.x1, width / 2, width - 1);
		assert_in_range(box.y0, above.y1, height / 2);
		assert_in_range(box.y1, above.y1, height / 2);
	}
	snprintf(note.note, sizeof(note.note), "saved cat.png");
	assert_true(drawn(640, 480, &note).x1 < 320);
}

static void notice_stands_in_the_middle(void **state)
{
	struct caption caption = {.notice = "paused"};

	(void)state;
	struct box word = drawn(640, 480, &caption);
	assert_in_range(word.x0 + word.x1, 638, 642);
	assert_in_range(word.y0 + word.y1, 478, 482);
	caption.notice = "q  quit\nSpace  pause\n?  this help";
	struct box lines = drawn(640, 480, &caption);
	assert_in_range(lines.x0 + lines.x1, 638, 642);
	assert_true(lines.y1 - lines.y0 > word.y1 - word.y0);
}

static void empty_caption_changes_nothing(void **state)
{
	struct caption caption = {0};

	(void)state;
	assert_true(nothing(drawn(640, 480, &caption)));
}

static void same_caption_gives_same_pixels(void **state)
{
	struct caption_drawer *drawer = drawer_create(), *other = drawer_create();
	struct picture a = grey_picture(640, 480), b = grey_picture(640, 480);
	struct caption cat = {.headline = "tabby cat", .confidence = 0.7F};

	(void)state;
	caption_draw(drawer, &a, &dog);
	caption_draw(drawer, &b, &dog); /* from what was kept */
	assert_memory_equal(a.data, b.data, a.capacity);
	memset(b.data, 200, b.capacity);
	caption_draw(other, &b, &cat); /* text, size, and back again */
	memset(b.data, 200, b.capacity);
	b.width = 480;
	b.height = 640;
	caption_draw(other, &b, &dog);
	b.width = 640;
	b.height = 480;
	memset(b.data, 200, b.capacity);
	caption_draw(other, &b, &dog);
	assert_memory_equal(a.data, b.data, a.capacity);
	free(a.data);
	free(b.data);
	caption_destroy(drawer);
	caption_destroy(other);
}

static void text_and_confidence_show(void **state)
{
	struct caption_drawer *drawer = drawer_create();
	struct picture a = grey_picture(640, 480), b = grey_picture(640, 480);
	struct caption less = dog, other = dog;

	(void)state;
	less.confidence = 0.20F;
	other.detail = "Labrador retriever";
	caption_draw(drawer, &a, &dog);
	caption_draw(drawer, &b, &less);
	assert_memory_not_equal(a.data, b.data, a.capacity);
	memset(b.data, 200, b.capacity);
	caption_draw(drawer, &b, &other);
	assert_memory_not_equal(a.data, b.data, a.capacity);
	free(a.data);
	free(b.data);
	caption_destroy(drawer);
}

static void long_labels_stay_inside(void **state)
{
	char name[600];
	struct caption caption = {.headline = name, .confidence = 0.5F};

	(void)state;
	/* Characters of two bytes, after none and one of a single byte: wherever a line is cut, one is at
	 * stake. */
	for (int shift = 0; shift < 2; shift++) {
		name[0] = 'x';
		for (size_t i = (size_t)shift; i + 2 < sizeof(name); i += 2)
			memcpy(name + i, "ü", 3);
		struct box box = drawn(640, 480, &caption);
		assert_in_range(box.x0, 1, 64);
		assert_in_range(box.x1, 500, 639);
		/* An ellipsis: the same text a little shorter, cut as well, looks the same. */
		struct caption_drawer *drawer = drawer_create();
		struct picture a = grey_picture(640, 480), b = grey_picture(640, 480);
		caption_draw(drawer, &a, &caption);
		name[100 + shift] = '\0';
		caption_draw(drawer, &b, &caption);
		assert_memory_equal(a.data, b.data, a.capacity);
		free(a.data);
		free(b.data);
		caption_destroy(drawer);
	}
}

/* The line at the top too, and text that is cut within a character does not stop the drawing. */
static void long_status_stays_inside(void **state)
{
	char name[600];
	struct caption caption = {.status = name};

	(void)state;
	for (int shift = 0; shift < 2; shift++) {
		name[0] = 'x';
		for (size_t i = (size_t)shift; i + 2 < sizeof(name); i += 2)
			memcpy(name + i, "ü", 3);
		struct box box = drawn(640, 480, &caption);
		assert_in_range(box.x0, 1, 64);
		assert_in_range(box.x1, 560, 639);
		assert_in_range(box.y1, 10, 96);
	}
}

/* Nine classes and what else there are keys for. */
static void notice_has_room_for_many_lines(void **state)
{
	struct caption caption = {
		.notice = "1  a\n2  b\n3  c\n4  d\n5  e\n6  f\n7  g\n8  h\n9  i\nb  j\nu  k\nq  l"};

	(void)state;
	struct box twelve = drawn(1280, 960, &caption);
	caption.notice = "1  a\n2  b\n3  c\n4  d\n5  e\n6  f\n7  g\n8  h\n9  i\nb  j\nu  k\nq  l\n?  m";
	struct box thirteen = drawn(1280, 960, &caption);
	assert_true(thirteen.y1 - thirteen.y0 > twelve.y1 - twelve.y0);
}

static void broken_text_is_still_drawn(void **state)
{
	static const char *const broken[] = {"\xff\xfe cat", "cat \xc3", "\xe2\x82", "\xed\xa0\x80",
		"\xc0\x80", "\xf4\x90\x80\x80", "a\tb\x01\x7f"};
	struct caption_drawer *drawer = drawer_create();

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct picture picture = grey_picture(320, 240);
		struct caption caption = {.headline = broken[i], .detail = broken[i], .notice = broken[i]};
		caption_draw(drawer, &picture, &caption);
		assert_false(nothing(changed(&picture)));
		/* The drawer still works after it. */
		struct picture a = grey_picture(320, 240), b = grey_picture(320, 240);
		struct caption_drawer *fresh = drawer_create();
		caption_draw(drawer, &a, &dog);
		caption_draw(fresh, &b, &dog);
		assert_memory_equal(a.data, b.data, a.capacity);
		caption_destroy(fresh);
		free(a.data);
		free(b.data);
		free(picture.data);
	}
	caption_destroy(drawer);
}

static void any_size_and_confidence_is_safe(void **state)
{
	static const int sizes[][2] = {
		{1, 1}, {1, 300}, {300, 1}, {16, 16}, {40, 30}, {3000, 20}, {64, 2000}};
	static const float confidences[] = {-1, 0, 2, (float)__builtin_nan("")};
	struct caption_drawer *drawer = drawer_create();

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t j = 0; j < sizeof(confidences) / sizeof(confidences[0]); j++) {
			struct picture picture = grey_picture(sizes[i][0], sizes[i][1]);
			struct caption caption = {.headline = "dog",
				.confidence = confidences[j],
				.detail = "golden retriever",
				.detail_confidence = confidences[j],
				.statistics = true,
				.frames_per_second = 1e300,
				.latency_ms = 1e300,
				.notice = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no"};
			caption_draw(drawer, &picture, &caption); /* the sanitiser watches */
			free(picture.data);
		}
	caption_destroy(drawer);
	caption_destroy(NULL);
}

static void text_equals_the_caption(void **state)
{
	struct caption caption = dog;
	char text[128], few[12];

	(void)state;
	caption.statistics = true;
	caption.frames_per_second = 30;
	caption_text(&caption, text, sizeof(text));
	assert_non_null(strstr(text, "dog 91 %"));
	assert_non_null(strstr(text, "golden retriever 40 %"));
	assert_non_null(strstr(text, "30 fps"));
	assert_null(strstr(text, "ms"));
	caption_text(&caption, few, sizeof(few));
	assert_true(strlen(few) < sizeof(few));
	assert_int_equal(strncmp(few, text, 8), 0);
	caption_text(&(struct caption){0}, text, sizeof(text));
	assert_string_equal(text, "");
	caption_text(&(struct caption){.headline = "cat", .confidence = 0.999F}, text, sizeof(text));
	assert_string_equal(text, "cat 99 %"); /* 100 % would exclude every other class */
	caption_text(&(struct caption){.headline = "cat", .confidence = 1}, text, sizeof(text));
	assert_string_equal(text, "cat 100 %");
	caption_text(&(struct caption){.recording = true, .note = "saved a.png"}, text, sizeof(text));
	assert_string_equal(text, "recording · saved a.png");
}

struct rgb {
	int red, green, blue;
};

static const struct rgb green = {77, 217, 140}, amber = {255, 194, 71};

/* Pixels of this colour. */
static int coloured(const struct caption *caption, struct rgb c)
{
	struct caption_drawer *drawer = drawer_create();
	struct picture picture = grey_picture(640, 480);
	int count = 0;

	caption_draw(drawer, &picture, caption);
	for (const uint8_t *p = picture.data; p < picture.data + picture.capacity; p += 4)
		count += abs(p[2] - c.red) < 8 && abs(p[1] - c.green) < 8 && abs(p[0] - c.blue) < 8;
	free(picture.data);
	caption_destroy(drawer);
	return count;
}

/* A colour says how often the network is right; where that was not measured, there is none. */
static void colours_are_measured(void **state)
{
	struct caption caption = {.headline = "dog", .confidence = 0.9F, .calibrated = true};

	(void)state;
	assert_true(coloured(&caption, green) > 500);
	assert_int_equal(coloured(&caption, amber), 0);
	caption.confidence = 0.89F;
	assert_int_equal(coloured(&caption, green), 0);
	assert_true(coloured(&caption, amber) > 500);
	caption.confidence = 0.59F;
	assert_int_equal(coloured(&caption, green) + coloured(&caption, amber), 0);
	caption.confidence = 1;
	caption.calibrated = false;
	assert_int_equal(coloured(&caption, green) + coloured(&caption, amber), 0);
}

/* Rows of the picture in which a bar of full confidence is drawn: runs of green lines at x. */
static int bars_at(const struct picture *p, int x)
{
	int bars = 0;
	bool before = false;

	for (int y = 0; y < p->height; y++) {
		const uint8_t *pixel = p->data + 4 * ((size_t)y * (size_t)p->width + (size_t)x);
		bool is = abs(pixel[2] - green.red) < 8 && abs(pixel[1] - green.green) < 8;
		bars += is && !before;
		before = is;
	}
	return bars;
}

/* A bar for each label in the place of the detail; on a small picture as many as there is room for, and the
 * statistics stay free. */
static void bars_are_as_many_as_wanted(void **state)
{
	static const int sizes[][3] = {
		{160, 120, 2}, {320, 240, 10}, {640, 480, 10}, {480, 640, 10}, {1920, 1080, 10}};
	struct caption caption = dog;

	(void)state;
	caption.calibrated = true;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int n = 1; n <= CAPTION_BARS; n++) {
			struct caption_drawer *drawer = drawer_create();
			struct picture picture = grey_picture(sizes[i][0], sizes[i][1]);
			int unit = sizes[i][1] / 24 < sizes[i][0] / 28 ? sizes[i][1] / 24 : sizes[i][0] / 28;
			unit = unit < 10 ? 10 : unit;
			caption.bar_count = n;
			for (int k = 0; k < n; k++)
				caption.bars[k] = (struct caption_bar){"cat", 1};
			caption_draw(drawer, &picture, &caption);
			assert_int_equal(bars_at(&picture, 3 * unit), n < sizes[i][2] ? n : sizes[i][2]);
			struct box box = changed(&picture);
			assert_in_range(box.y0, 3 * unit, sizes[i][1]);
			assert_in_range(box.y1, 1, sizes[i][1] - unit / 2);
			assert_in_range(box.x1, 1, sizes[i][0] - unit / 2);
			free(picture.data);
			caption_destroy(drawer);
		}
}

/* What to do is told as long as nothing is known. */
static void hint_gives_way_to_the_headline(void **state)
{
	struct caption caption = {.view = {0.2, 0.2, 0.6, 0.6, 4.0 / 3}};

	(void)state;
	int without = coloured(&caption, (struct rgb){204, 214, 224});
	caption.view.hint = "hold it here";
	assert_true(coloured(&caption, (struct rgb){204, 214, 224}) > without + 50);
	struct box box = drawn(640, 480, &caption);
	assert_in_range(box.y1, 380, 386); /* within the view */
	caption.headline = " ";
	int known = coloured(&caption, (struct rgb){204, 214, 224});
	caption.view.hint = NULL;
	assert_int_equal(coloured(&caption, (struct rgb){204, 214, 224}), known);
}

/* A view that moves, as a face does. */
static void corners_move_with_the_view(void **state)
{
	struct caption_drawer *drawer = drawer_create();
	struct caption caption = {.view = {0.1, 0.1, 0.2, 0.2, 4.0 / 3, .found = true}};
	struct caption_area areas[CAPTION_PARTS] = {0};
	struct picture layer = grey_picture(640, 480);

	(void)state;
	memset(layer.data, 0, layer.capacity);
	for (int i = 0; i < 5; i++) {
		caption.view.x = 0.1 * i;
		assert_true(caption_draw_layer(drawer, &layer, &caption, areas));
		assert_false(caption_draw_layer(drawer, &layer, &caption, areas));
		struct box box = {640, 480, 0, 0};
		for (int y = 0; y < 480; y++)
			for (int x = 0; x < 640; x++)
				if (layer.data[4 * (y * 640 + x) + 3]) {
					box.x0 = x < box.x0 ? x : box.x0;
					box.x1 = x >= box.x1 ? x + 1 : box.x1;
					box.y0 = y < box.y0 ? y : box.y0;
					box.y1 = y >= box.y1 ? y + 1 : box.y1;
				}
		assert_in_range(box.x0, 64 * i, 64 * i + 3);
		assert_in_range(box.x1, 64 * i + 125, 64 * i + 128);
		assert_in_range(box.y0, 48, 51);
		assert_in_range(box.y1, 141, 144);
	}
	free(layer.data);
	caption_destroy(drawer);
}

/* A box of half the height in the middle, by its corners; on a screen with borders, in the middle of the
 * picture. */
static void corners_stand_round_the_view(void **state)
{
	(void)state;
	struct caption caption = {.view = {0.3125, 0.25, 0.375, 0.5, 4.0 / 3}};
	struct box box = drawn(640, 480, &caption);
	assert_in_range(box.x0, 200, 203);
	assert_in_range(box.x1, 437, 440);
	assert_in_range(box.y0, 120, 123);
	assert_in_range(box.y1, 357, 360);
	box = drawn(1280, 480, &caption);
	assert_in_range(box.x0, 520, 524);
	assert_in_range(box.x1, 756, 760);
	assert_in_range(box.y0, 120, 123);
	assert_true(nothing(drawn(20, 16, &caption)));
}

/* What lies above a monitor's picture: nothing but the caption, and blended it is the caption on the picture.
 */
static void layer_is_the_caption_alone(void **state)
{
	struct caption_drawer *drawer = drawer_create();
	struct picture layer = grey_picture(320, 240), drawn_on = grey_picture(320, 240);
	struct caption caption = {.headline = "golden retriever", .confidence = 0.4F, .notice = "paused"};
	struct caption_area areas[CAPTION_PARTS] = {0};
	size_t clear = 0, solid = 0;

	(void)state;
	memset(layer.data, 0, layer.capacity);
	for (int round = 0; round < 2; round++) { /* the second leaves nothing of the first */
		caption_draw_layer(drawer, &layer, &caption, areas);
		memset(drawn_on.data, 200, drawn_on.capacity);
		caption_draw(drawer, &drawn_on, &caption);
		for (size_t i = 0; i < drawn_on.capacity; i += 4) {
			const uint8_t *over = layer.data + i, *seen = drawn_on.data + i;
			clear += over[3] == 0;
			solid += over[3] > 0;
			for (int c = 0; c < 3; c++) {
				assert_true(over[c] <= over[3]); /* premultiplied */
				assert_true(abs(over[c] + 200 * (255 - over[3]) / 255 - seen[c]) <= 2);
			}
		}
		caption.notice = NULL;
	}
	assert_true(clear > 320 * 240);
	assert_true(solid > 1000);
	for (int y = 0; y < 240; y++)
		for (int x = 0; x < 320; x++) {
			bool inside = false;
			for (int i = 0; i < CAPTION_PARTS; i++)
				inside |= x >= areas[i].x && x < areas[i].x + areas[i].width &&
					  y >= areas[i].y && y < areas[i].y + areas[i].height;
			assert_true(inside || !layer.data[4 * (y * 320 + x) + 3]);
		}
	assert_int_equal(areas[CAPTION_PARTS - 1].width, 0); /* the notice is gone */
	/* The same again writes nothing: it may be on the screen. */
	memset(layer.data, 77, layer.capacity);
	assert_false(caption_draw_layer(drawer, &layer, &caption, areas));
	for (size_t i = 0; i < layer.capacity; i++)
		assert_int_equal(layer.data[i], 77);
	caption_destroy(drawer);
	free(layer.data);
	free(drawn_on.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(label_stands_at_the_bottom_left),
		cmocka_unit_test(statistics_stand_at_the_top_right),
		cmocka_unit_test(recording_is_a_red_dot),
		cmocka_unit_test(note_stands_below_the_statistics),
		cmocka_unit_test(notice_stands_in_the_middle),
		cmocka_unit_test(empty_caption_changes_nothing),
		cmocka_unit_test(same_caption_gives_same_pixels),
		cmocka_unit_test(text_and_confidence_show),
		cmocka_unit_test(long_labels_stay_inside),
		cmocka_unit_test(long_status_stays_inside),
		cmocka_unit_test(notice_has_room_for_many_lines),
		cmocka_unit_test(broken_text_is_still_drawn),
		cmocka_unit_test(any_size_and_confidence_is_safe),
		cmocka_unit_test(text_equals_the_caption),
		cmocka_unit_test(corners_stand_round_the_view),
		cmocka_unit_test(colours_are_measured),
		cmocka_unit_test(bars_are_as_many_as_wanted),
		cmocka_unit_test(hint_gives_way_to_the_headline),
		cmocka_unit_test(corners_move_with_the_view),
		cmocka_unit_test(layer_is_the_caption_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
