/* SPDX-License-Identifier: MIT */
/*
 * Names what pictures show: classify NETWORK PICTURE...
 *
 * cc classify.c $(pkg-config --cflags --libs twobit) -o classify
 *
 * Pixels that another library has read are handed over as they lie. For a cv::Mat of OpenCV:
 *	struct twobit_picture p = {.width = m.cols, .height = m.rows, .format = TWOBIT_BGR, .pixels = m.data,
 *		.stride = m.step};
 * Who comes from onnxruntime makes a folder of a model once, by `twobit import onnx`; a network and an engine
 * then are what a model and a session are there.
 */
#include <stdio.h>
#include <twobit.h>

static int classify(struct twobit_engine *engine, const struct twobit_network *network, const char *path,
	struct twobit_error *error)
{
	struct twobit_picture picture;
	struct twobit_answer answer;
	int status = twobit_picture_read_file(path, &picture, error);

	if (status)
		return status;
	status = twobit_engine_classify(engine, &picture, 1, &answer, error);
	twobit_picture_free(&picture);
	if (status)
		return status;
	printf("%s: %s\n", path, answer.name ? answer.name : "nothing known");
	for (int i = 0; i < answer.count && i < 3; i++)
		printf("  %5.1f %%  %s\n", 100 * (double)answer.top[i].confidence,
			twobit_network_label(network, answer.top[i].class_index));
	return 0;
}

int main(int count, char **arguments)
{
	struct twobit_network *network = NULL;
	struct twobit_engine *engine = NULL;
	struct twobit_error error = {0};
	int status;

	if (count < 3) {
		fprintf(stderr, "usage: %s NETWORK PICTURE...\n", arguments[0]);
		return 64;
	}
	status = twobit_network_open(arguments[1], &network, &error);
	if (!status)
		status = twobit_engine_open(network, NULL, &engine, &error);
	for (int i = 2; i < count && !status; i++)
		status = classify(engine, network, arguments[i], &error);
	if (status)
		fprintf(stderr, "%s\n", error.text);
	twobit_engine_close(engine);
	twobit_network_close(network);
	return status ? 1 : 0;
}
