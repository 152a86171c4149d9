/* SPDX-License-Identifier: MIT */
/* What the command-line tests work on: make_fixtures FOLDER makes the folder anew. */
#include "base/error.h"
#include "image/picture_write.h"
#include "nn/format/save.h"
#include "support/folder.h"
#include "support/network_builder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <jpeglib.h>

#define PICTURES 10
#define SIDE 32

static void require(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "make_fixtures: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");

	require(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0, path);
}

static void write_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

/* Stripes whose direction and colours depend on the number. */
static uint8_t pixel(int number, int x, int y, int channel)
{
	int along = number % 2 ? x * (number + 1) : y * (number + 2);

	return (uint8_t)(along * 5 + channel * 60 * (number % 3) + number * 20);
}

static struct picture draw(int number)
{
	struct picture picture = {0};

	require(picture_resize(&picture, SIDE, SIDE) == 0, "picture");
	for (int i = 0; i < SIDE * SIDE; i++) {
		for (int c = 0; c < 3; c++)
			picture.data[4 * i + c] = pixel(number, i % SIDE, i / SIDE, 2 - c);
		picture.data[4 * i + 3] = 255;
	}
	return picture;
}

static void write_png(const char *path, int number)
{
	struct picture picture = draw(number);
	struct error e;

	require(picture_write(path, &picture, &e) == 0, path);
	picture_finish(&picture);
}

/* A JPEG whole, and one that ends in the middle. */
static void write_jpegs(void)
{
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	unsigned char *bytes = NULL, row[SIDE * 3];
	unsigned long size = 0;
	JSAMPROW rows[] = {row};

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_compress(&jpeg);
	jpeg_mem_dest(&jpeg, &bytes, &size);
	jpeg.image_width = jpeg.image_height = SIDE;
	jpeg.input_components = 3;
	jpeg.in_color_space = JCS_RGB;
	jpeg_set_defaults(&jpeg);
	jpeg_start_compress(&jpeg, TRUE);
	for (int y = 0; y < SIDE; y++) {
		for (int i = 0; i < SIDE * 3; i++)
			row[i] = pixel(3, i / 3, y, i % 3);
		jpeg_write_scanlines(&jpeg, rows, 1);
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	write_file("whole.jpg", bytes, size);
	write_file("cut.jpg", bytes, size / 2);
	free(bytes);
}

static void write_gzip(const char *path, const uint8_t *bytes, size_t size)
{
	gzFile file = gzopen(path, "wb");

	require(file && gzwrite(file, bytes, (unsigned)size) == (int)size && gzclose(file) == Z_OK, path);
}

/* PICTURES grey pictures with labels 0 … PICTURES − 1, plain, compressed, and broken in several ways. */
static void write_idx(void)
{
	uint8_t images[16 + PICTURES * SIDE * SIDE] = {
		0, 0, 8, 3, 0, 0, 0, PICTURES, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
	uint8_t labels[8 + PICTURES] = {0, 0, 8, 1, 0, 0, 0, PICTURES};

	for (int i = 0; i < PICTURES * SIDE * SIDE; i++)
		images[16 + i] = pixel(i / (SIDE * SIDE), i % SIDE, i / SIDE % SIDE, 0);
	for (int i = 0; i < PICTURES; i++)
		labels[8 + i] = (uint8_t)i;
	write_file("t-images-idx3-ubyte", images, sizeof(images));
	write_file("t-labels-idx1-ubyte", labels, sizeof(labels));
	write_gzip("z-images-idx3-ubyte.gz", images, sizeof(images));
	write_gzip("z-labels-idx1-ubyte.gz", labels, sizeof(labels));
	write_file("alone-idx3", images, sizeof(images));
	write_file("cut-images-idx3", images, sizeof(images) - 1);
	write_file("cut-labels-idx1", labels, sizeof(labels));
	labels[8 + 4] = 200;
	write_file("high-labels-idx1", labels, sizeof(labels));
	labels[7] = PICTURES - 1;
	write_file("few-labels-idx1", labels, sizeof(labels) - 1);
}

static void write_networks(void)
{
	struct network *network = tiny_network(7);
	struct network *others[] = {tiny_graph(7), tiny_single(7), tiny_uncut(7)};
	struct error e;
	char text[256];

	require(mkdir("networks", 0755) == 0, "networks");
	require(network_save(network, "networks/tiny", &e) == 0, e.text);
	require(network_save(network, "few-labels", &e) == 0, e.text);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		require(network_save(others[i], others[i]->name, &e) == 0, e.text);
		network_destroy(others[i]);
	}
	network_destroy(network);
	network = tiny_odd_network();
	require(network_save(network, "odd", &e) == 0, e.text); /* ends in codes */
	network_destroy(network);
	/* The file as it was saved, without its last line. */
	FILE *file = fopen("few-labels/labels.txt", "r+");
	require(file != NULL, "few-labels/labels.txt");
	size_t size = fread(text, 1, sizeof(text) - 1, file);
	for (size--; size && text[size - 1] != '\n'; size--)
		;
	require(ftruncate(fileno(file), (off_t)size) == 0 && fclose(file) == 0, "few-labels/labels.txt");
}

int main(int argc, char **argv)
{
	require(argc == 2, "a folder is needed");
	folder_clear(argv[1]);
	require(mkdir(argv[1], 0755) == 0 && chdir(argv[1]) == 0, argv[1]);
	write_networks();
	write_png("a.png", 1);
	write_png("b.png", 2);
	write_jpegs();
	write_text("text.jpg", "This is no picture.\n");
	write_idx();
	write_text("list.txt", "# two pictures\na.png 3\n\nb.png 4\n");
	write_text("bad-index.txt", "a.png 3\nb.png 10\n");
	write_text("bad-line.txt", "a.png\n");
	write_text("gone.txt", "a.png 3\ngone.png 4\n");
	write_text("broken.txt", "a.png 3\ntext.jpg 4\ncut.jpg 5\n");
	require(mkdir("classes", 0755) == 0 && mkdir("classes/label_3", 0755) == 0 &&
			mkdir("classes/label 4", 0755) == 0 && mkdir("strangers", 0755) == 0 &&
			mkdir("strangers/cats", 0755) == 0 && mkdir("empty", 0755) == 0,
		"classes");
	write_png("classes/label_3/a.png", 1);
	write_png("classes/label 4/b.png", 2);
	write_png("strangers/cats/a.png", 1);
	return 0;
}
