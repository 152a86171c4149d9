/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "dataset/dataset.h"
#include "image/picture_write.h"
#include "support/folder.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

static char *folder;

static char *path_of(const char *name)
{
	static char paths[4][256];
	static int next;

	char *path = paths[next++ % 4];
	snprintf(path, 256, "%s/%s", folder, name);
	return path;
}

static void write_bytes(const char *name, const void *bytes, size_t size)
{
	FILE *file = fopen(path_of(name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static void write_gzip(const char *name, const void *bytes, size_t size)
{
	gzFile file = gzopen(path_of(name), "wb");

	assert_non_null(file);
	assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
	assert_int_equal(gzclose(file), Z_OK);
}

static void write_png(const char *name, uint8_t red)
{
	uint8_t pixels[2 * 3 * 4];
	struct picture picture = {3, 2, pixels, sizeof(pixels)};
	struct error e;

	for (size_t i = 0; i < sizeof(pixels); i++)
		pixels[i] = i % 4 == 2 ? red : 0;
	assert_int_equal(picture_write(path_of(name), &picture, &e), 0);
}

static int setup(void **state)
{
	(void)state;
	folder = folder_create();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_destroy(folder);
	return 0;
}

static char words[4][16] = {"tabby cat", "dog", "school bus", "2"};
static char *const labels[] = {words[0], words[1], words[2], words[3]};
static const struct dataset_options four = {.labels = labels, .class_count = 4};

static struct dataset *accept(const char *name, const struct dataset_options *options)
{
	struct dataset *d = NULL;
	struct error e = {0};

	if (dataset_open(path_of(name), options, &d, &e))
		fail_msg("%s: %s", name, e.text);
	return d;
}

/* The message must contain `message` and name the file. */
static void refuse(const char *name, const struct dataset_options *options, int code, const char *message)
{
	struct dataset *d = (struct dataset *)&code;
	struct error e = {0};

	assert_int_equal(dataset_open(path_of(name), options, &d, &e), code);
	assert_null(d);
	assert_int_equal(e.code, code);
	if (!strstr(e.text, message) || !strstr(e.text, folder))
		fail_msg("%s: %s", name, e.text);
}

/* Two pictures of 2 rows by 3 columns. */
static const uint8_t images[] = {
	0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60};
static const uint8_t two_labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 3, 0};

static void check_idx(struct dataset *d)
{
	struct picture picture = {0};
	struct error e;

	assert_int_equal(dataset_size(d), 2);
	assert_int_equal(dataset_label(d, 0), 3);
	assert_int_equal(dataset_label(d, 1), 0);
	assert_string_equal(dataset_name(d, 1), "#1");
	assert_int_equal(dataset_read(d, 1, &picture, &e), 0);
	assert_int_equal(picture.width, 3);
	assert_int_equal(picture.height, 2);
	for (int i = 0; i < 6; i++) {
		const uint8_t expected[] = {images[22 + i], images[22 + i], images[22 + i], 255};
		assert_memory_equal(picture.data + 4 * i, expected, 4);
	}
	picture_finish(&picture);
	dataset_close(d);
}

static void idx_grey(void **state)
{
	(void)state;
	write_bytes("a-images-idx3-ubyte", images, sizeof(images));
	write_bytes("a-labels-idx1-ubyte", two_labels, sizeof(two_labels));
	check_idx(accept("a-images-idx3-ubyte", &four));
	write_gzip("b-images-idx3-ubyte.gz", images, sizeof(images));
	write_gzip("b-labels-idx1-ubyte.gz", two_labels, sizeof(two_labels));
	check_idx(accept("b-images-idx3-ubyte.gz", &four));
	/* One compressed, the other not. */
	write_gzip("c-images-idx3-ubyte.gz", images, sizeof(images));
	write_bytes("c-labels-idx1-ubyte", two_labels, sizeof(two_labels));
	check_idx(accept("c-images-idx3-ubyte.gz", &four));
	write_bytes("pictures", images, sizeof(images));
	refuse("pictures", &four, -ENOENT, "--labels");
	struct dataset_options named = four;
	named.labels_path = path_of("c-labels-idx1-ubyte");
	check_idx(accept("pictures", &named));
}

static void idx_colour(void **state)
{
	const uint8_t colour[] = {
		0, 0, 8, 4, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9, 70, 80, 90};
	const uint8_t expected[] = {90, 80, 70, 255};
	struct picture picture = {0};
	struct error e;

	(void)state;
	write_bytes("d-images-idx4-ubyte", colour, sizeof(colour));
	write_bytes("d-labels-idx1-ubyte", two_labels, sizeof(two_labels));
	struct dataset *d = accept("d-images-idx4-ubyte", &four);
	assert_int_equal(dataset_read(d, 1, &picture, &e), 0);
	assert_memory_equal(picture.data, expected, 4);
	picture_finish(&picture);
	dataset_close(d);
}

/* `images` with byte `at` changed to `value`, cut to `size` bytes. */
static void write_changed(size_t at, uint8_t value, size_t size)
{
	uint8_t bytes[sizeof(images) + 1] = {0};

	memcpy(bytes, images, sizeof(images));
	bytes[at] = value;
	write_bytes("x-images-idx3", bytes, size);
}

static void idx_broken(void **state)
{
	const char *name = "x-images-idx3";
	const uint8_t three_labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 3, 0, 1};
	const uint8_t high_label[] = {0, 0, 8, 1, 0, 0, 0, 2, 3, 4};
	char packed[256];

	(void)state;
	write_bytes("x-labels-idx1", two_labels, sizeof(two_labels));
	for (size_t size = 2; size < sizeof(images); size++) {
		write_changed(0, 0, size);
		refuse(name, &four, -EBADMSG, "ends too early");
	}
	write_changed(0, 0, sizeof(images) + 1);
	refuse(name, &four, -EBADMSG, "longer than its header allows");
	write_changed(2, 0x0d, sizeof(images));
	refuse(name, &four, -EBADMSG, "type 0x0d");
	write_changed(3, 0, sizeof(images));
	refuse(name, &four, -EBADMSG, "0 dimensions");
	write_changed(3, 5, sizeof(images));
	refuse(name, &four, -EBADMSG, "5 dimensions");
	write_changed(4, 0x80, sizeof(images));
	refuse(name, &four, -EOVERFLOW, "dimension 1 is too large");
	/* 1.8 · 10^9 pictures are announced; memory is only taken for what is there. */
	write_changed(4, 0x70, sizeof(images));
	if (sizeof(size_t) > 4)
		refuse(name, &four, -EBADMSG, "ends too early");
	else
		refuse(name, &four, -EOVERFLOW, "is too large");
	write_changed(0, 0, sizeof(images));
	refuse("x-labels-idx1", &four, -EBADMSG, "holds labels");
	write_bytes("x-labels-idx1", three_labels, sizeof(three_labels));
	refuse(name, &four, -EBADMSG, "3 labels for the 2 pictures");
	write_bytes("x-labels-idx1", high_label, sizeof(high_label));
	refuse(name, &four, -EBADMSG, "label 4 of picture 1 is outside the network's 0 to 3");
	write_bytes("x-labels-idx1", images, sizeof(images));
	refuse(name, &four, -EBADMSG, "labels have 1");
	/* Cut, and with one bit of the checksum changed. */
	write_gzip("p-images-idx3.gz", images, sizeof(images));
	FILE *file = fopen(path_of("p-images-idx3.gz"), "rb");
	size_t size = fread(packed, 1, sizeof(packed), file);
	fclose(file);
	write_bytes("q-images-idx3.gz", packed, size - 1);
	write_bytes("q-labels-idx1", two_labels, sizeof(two_labels));
	refuse("q-images-idx3.gz", &four, -EBADMSG, "ends too early");
	packed[size - 8] ^= 1;
	write_bytes("q-images-idx3.gz", packed, size);
	refuse("q-images-idx3.gz", &four, -EBADMSG, "is damaged: its checksum is wrong");
	/* A kilobyte that unpacks to many megabytes. */
	size_t much = DATASET_RATIO_BYTES + (1 << 20);
	uint8_t *zeros = calloc(much, 1);
	assert_non_null(zeros);
	memcpy(zeros, images, 4);
	zeros[4] = 0x20; /* 2²⁹ pictures of a pixel */
	zeros[11] = zeros[15] = 1;
	write_gzip("q-images-idx3.gz", zeros, much);
	refuse("q-images-idx3.gz", &four, -EBADMSG, "unpacks to more than 100 times its size");
	free(zeros);
}

static void idx_empty(void **state)
{
	const uint8_t none[] = {0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3};
	const uint8_t no_labels[] = {0, 0, 8, 1, 0, 0, 0, 0};

	(void)state;
	write_bytes("e-images-idx3", none, sizeof(none));
	write_bytes("e-labels-idx1", no_labels, sizeof(no_labels));
	refuse("e-images-idx3", &four, -EBADMSG, "holds no pictures");
}

static void lists(void **state)
{
	struct picture picture = {0};
	struct error e;
	char absolute[512];

	(void)state;
	mkdir(path_of("sub"), 0700);
	write_png("sub/with a space.png", 50);
	snprintf(absolute, sizeof(absolute), "# comment\n\r\n  with a space.png \t 2 \r\n%s/sub/gone.png\t3",
		folder);
	write_text("sub/list.txt", absolute);
	struct dataset *d = accept("sub/list.txt", &four);
	assert_int_equal(dataset_size(d), 2);
	assert_int_equal(dataset_label(d, 0), 2);
	assert_int_equal(dataset_label(d, 1), 3);
	assert_string_equal(dataset_name(d, 0), path_of("sub/with a space.png"));
	assert_int_equal(dataset_read(d, 0, &picture, &e), 0);
	assert_int_equal(picture.data[2], 50);
	assert_int_equal(dataset_read(d, 1, &picture, &e), -ENOENT);
	picture_finish(&picture);
	dataset_close(d);
}

static void *text_write(void *argument)
{
	FILE *file = fopen(argument, "w");

	assert_non_null(file);
	fputs("1.png 1\n", file);
	fclose(file);
	return NULL;
}

/* As other systems write them; on a pipe, where the paths begin in the working folder. */
static void lists_of_all_kinds(void **state)
{
	(void)state;
	pthread_t writer;
	static const char *const texts[] = {
		"\xef\xbb\xbf"
		"1.png 1\r\n\r\n",
		"1.png 1\n\n \n", "1.png\t1"};

	for (int i = 0; i < 3; i++) {
		write_text("l.txt", texts[i]);
		struct dataset *d = accept("l.txt", &four);
		assert_int_equal(dataset_size(d), 1);
		assert_string_equal(dataset_name(d, 0), path_of("1.png"));
		dataset_close(d);
	}
	write_gzip("l.txt", "1.png 1\n", 8);
	dataset_close(accept("l.txt", &four));
	write_text("l.txt",
		"\xff\xfe"
		"1");
	refuse("l.txt", &four, -EBADMSG, "is text in UTF-16; save it as UTF-8");
	char *pipe = path_of("pipe");
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(pthread_create(&writer, NULL, text_write, pipe), 0);
	struct dataset *d = accept("pipe", &four);
	pthread_join(writer, NULL);
	assert_int_equal(dataset_size(d), 1);
	assert_string_equal(dataset_name(d, 0), "1.png");
	dataset_close(d);
}

static void lists_broken(void **state)
{
	(void)state;
	write_text("l.txt", "a.png 0\na.png 4\n");
	refuse("l.txt", &four, -EBADMSG, "line 2: label 4 is outside");
	write_text("l.txt", "a.png -1\n");
	refuse("l.txt", &four, -EBADMSG, "line 1: label -1 is outside");
	static const char *const bad[] = {
		"a.png", "a.png x", "a.png 1x", "7", "a.png 99999999999999999999", "1 2.5"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_text("l.txt", bad[i]);
		refuse("l.txt", &four, -EBADMSG, "line 1: it must be a path and a label index");
	}
	write_text("l.txt", "# nothing\n");
	refuse("l.txt", &four, -EBADMSG, "holds no pictures");
	write_text("l.txt", "");
	refuse("l.txt", &four, -EBADMSG, "holds no pictures");
	write_bytes("l.txt", "a.png 0\na\0b 1\n", 14);
	refuse("l.txt", &four, -EBADMSG, "neither an idx file nor a list");
	write_bytes("l.txt",
		"\xfd"
		"7zXZ\0more",
		10);
	refuse("l.txt", &four, -EBADMSG, "xz -dk");
	write_bytes("l.txt", "\x1f\x8b\x08nothing", 10);
	refuse("l.txt", &four, -EBADMSG, "l.txt");
	refuse("gone", &four, -ENOENT, "No such file");
}

static void folders_by_label(void **state)
{
	(void)state;
	mkdir(path_of("set"), 0700);
	mkdir(path_of("set/tabby_cat"), 0700);
	mkdir(path_of("set/school bus"), 0700);
	mkdir(path_of("set/school bus/deeper"), 0700);
	mkdir(path_of("set/.hidden"), 0700);
	write_png("set/tabby_cat/b.png", 1);
	write_png("set/tabby_cat/a.PNG", 2);
	write_png("set/school bus/deeper/c.png", 3);
	write_text("set/school bus/notes.txt", "");
	write_text("set/readme", "");
	struct dataset *d = accept("set", &four);
	assert_int_equal(dataset_size(d), 3);
	assert_string_equal(dataset_name(d, 0), path_of("set/school bus/deeper/c.png"));
	assert_int_equal(dataset_label(d, 0), 2);
	assert_string_equal(dataset_name(d, 1), path_of("set/tabby_cat/a.PNG"));
	assert_int_equal(dataset_label(d, 1), 0);
	assert_int_equal(dataset_label(d, 2), 0);
	dataset_close(d);
	/* A stranger among them, and fewer than four: nothing to go by. */
	mkdir(path_of("set/whale"), 0700);
	refuse("set", &four, -EBADMSG, "\"whale\" is none of the network's labels");
	/* As many as classes, too: in their order the labels among them would be other classes. */
	mkdir(path_of("set/ant"), 0700);
	refuse("set", &four, -EBADMSG, "\"whale\" is none of the network's labels");
}

static void folders_by_order(void **state)
{
	static const char *const names[] = {"order", "order/ant", "order/bee", "order/cow", "order/whale"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		mkdir(path_of(names[i]), 0700);
	write_png("order/ant/d.png", 4);
	write_png("order/cow/e.png", 5);
	struct dataset *d = accept("order", &four);
	assert_string_equal(dataset_name(d, 0), path_of("order/ant/d.png"));
	assert_int_equal(dataset_label(d, 0), 0);
	assert_int_equal(dataset_label(d, 1), 2);
	dataset_close(d);
}

static void folders_by_group(void **state)
{
	static const char *const groups[] = {"pet", "dog"}; /* "dog" is a label, too, which comes first */
	struct dataset_options grouped = four;

	(void)state;
	grouped.groups = groups;
	grouped.group_count = 2;
	mkdir(path_of("grouped"), 0700);
	mkdir(path_of("grouped/pet"), 0700);
	mkdir(path_of("grouped/dog"), 0700);
	write_png("grouped/pet/a.png", 1);
	write_png("grouped/dog/b.png", 1);
	struct dataset *d = accept("grouped", &grouped);
	assert_int_equal(dataset_size(d), 2);
	assert_int_equal(dataset_label(d, 0), 1);
	assert_int_equal(dataset_label(d, 1), 4);
	dataset_close(d);
	refuse("grouped", &four, -EBADMSG, "\"pet\" is none of the network's labels");
}

static void folders_by_number(void **state)
{
	struct dataset_options many = {.labels = NULL, .class_count = 12};

	(void)state;
	mkdir(path_of("digits"), 0700);
	mkdir(path_of("digits/2"), 0700);
	mkdir(path_of("digits/10"), 0700);
	write_png("digits/2/a.png", 1);
	write_png("digits/10/b.png", 1);
	struct dataset *d = accept("digits", &many);
	assert_int_equal(dataset_size(d), 2);
	assert_int_equal(dataset_label(d, 0), 10);
	assert_int_equal(dataset_label(d, 1), 2);
	dataset_close(d);
	mkdir(path_of("digits/12"), 0700);
	refuse("digits", &many, -EBADMSG, "3 class folders for 12 classes");
}

static void folders_empty(void **state)
{
	(void)state;
	mkdir(path_of("none"), 0700);
	refuse("none", &four, -EBADMSG, "no class folders");
	mkdir(path_of("none/dog"), 0700);
	refuse("none", &four, -EBADMSG, "holds no pictures");
	/* A link in a circle ends. */
	assert_int_equal(symlink("..", path_of("none/dog/up")), 0);
	refuse("none", &four, -EBADMSG, "holds no pictures");
}

/* Circles count a picture once; a link to elsewhere is followed. A class folder that leads back is none. */
static void folders_in_circles(void **state)
{
	(void)state;
	mkdir(path_of("c"), 0700);
	mkdir(path_of("c/dog"), 0700);
	mkdir(path_of("c/dog/more"), 0700);
	mkdir(path_of("c/2"), 0700);
	write_png("c/dog/1.png", 1);
	write_png("c/dog/more/2.png", 1);
	assert_int_equal(symlink(".", path_of("c/dog/self")), 0);
	assert_int_equal(symlink("../..", path_of("c/dog/more/root")), 0);
	assert_int_equal(symlink(".", path_of("c/again")), 0);
	assert_int_equal(symlink("../dog/more", path_of("c/2/elsewhere")), 0);
	struct dataset *d = accept("c", &four);
	assert_int_equal(dataset_size(d), 3);
	dataset_close(d);
	struct dataset_options alone = {.unlabelled = true};
	d = accept("c", &alone);
	assert_int_equal(dataset_size(d), 3);
	dataset_close(d);
}

/* By content or by name, and nothing else: what is broken is found when it is read. */
static void folders_hold_pictures_of_any_name(void **state)
{
	(void)state;
	mkdir(path_of("k"), 0700);
	mkdir(path_of("k/dog"), 0700);
	write_png("k/dog/1.png", 1);
	assert_int_equal(rename(path_of("k/dog/1.png"), path_of("k/dog/plain")), 0);
	write_png("k/dog/1.png", 1);
	assert_int_equal(rename(path_of("k/dog/1.png"), path_of("k/dog/other.txt")), 0);
	write_text("k/dog/broken.jpe", "nothing");
	write_text("k/dog/notes.txt", "nothing");
	struct dataset_options alone = {.unlabelled = true};
	struct dataset *d = accept("k", &alone);
	assert_int_equal(dataset_size(d), 3);
	dataset_close(d);
}

/* Lists and folders carry their labels: a file of labels beside them would be passed over. */
static void labels_go_with_idx(void **state)
{
	char labels_path[128];
	struct dataset_options named = four;

	(void)state;
	write_bytes("l-labels-idx1-ubyte", two_labels, sizeof(two_labels));
	snprintf(labels_path, sizeof(labels_path), "%s", path_of("l-labels-idx1-ubyte"));
	named.labels_path = labels_path;
	write_png("l.png", 1);
	write_text("l.txt", "l.png 1\n");
	mkdir(path_of("l"), 0700);
	mkdir(path_of("l/dog"), 0700);
	write_png("l/dog/a.png", 1);
	dataset_close(accept("l.txt", &four));
	dataset_close(accept("l", &four));
	refuse("l.txt", &named, -EBADMSG, "--labels goes with an idx file; ");
	refuse("l.txt", &named, -EBADMSG, "/l.txt carries its own labels");
	refuse("l", &named, -EBADMSG, "/l carries its own labels");
}

/* Labels do not matter: those of the list are outside the classes, the idx file has none beside it. */
static void pictures_alone(void **state)
{
	const struct dataset_options unlabelled = {.unlabelled = true};
	static const uint8_t bytes[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 40};

	(void)state;
	mkdir(path_of("walls"), 0700);
	mkdir(path_of("walls/white"), 0700);
	write_png("walls/b.png", 1);
	write_png("walls/white/a.png", 1);
	write_text("walls/notes.txt", "no picture");
	struct dataset *d = accept("walls", &unlabelled);
	assert_int_equal(dataset_size(d), 2);
	assert_int_equal(dataset_label(d, 0), -1);
	assert_string_equal(strrchr(dataset_name(d, 1), '/'), "/a.png");
	dataset_close(d);
	write_text("walls.txt", "walls/b.png 77\nwalls/white/a.png\n# a comment\n");
	d = accept("walls.txt", &unlabelled);
	assert_int_equal(dataset_size(d), 2);
	assert_int_equal(dataset_label(d, 0), -1);
	assert_string_equal(strrchr(dataset_name(d, 0), '/'), "/b.png");
	assert_string_equal(strrchr(dataset_name(d, 1), '/'), "/a.png");
	dataset_close(d);
	write_bytes("alone-idx3", bytes, sizeof(bytes));
	d = accept("alone-idx3", &unlabelled);
	assert_int_equal(dataset_size(d), 2);
	assert_int_equal(dataset_label(d, 1), -1);
	dataset_close(d);
	mkdir(path_of("bare"), 0700);
	refuse("bare", &unlabelled, -EBADMSG, "holds no pictures");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idx_grey),
		cmocka_unit_test(idx_colour),
		cmocka_unit_test(idx_broken),
		cmocka_unit_test(idx_empty),
		cmocka_unit_test(lists),
		cmocka_unit_test(lists_of_all_kinds),
		cmocka_unit_test(lists_broken),
		cmocka_unit_test(folders_by_label),
		cmocka_unit_test(folders_by_order),
		cmocka_unit_test(folders_by_group),
		cmocka_unit_test(folders_by_number),
		cmocka_unit_test(folders_empty),
		cmocka_unit_test(folders_in_circles),
		cmocka_unit_test(folders_hold_pictures_of_any_name),
		cmocka_unit_test(labels_go_with_idx),
		cmocka_unit_test(pictures_alone),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
