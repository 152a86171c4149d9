/* SPDX-License-Identifier: MIT */
/* A log of labels, as `replay` reads it. What was read prints, and prints the same when it is read again. */
#include "fuzz.h"

#include "base/error.h"
#include "recorder/log_reader.h"

#include <errno.h>
#include <string.h>

static void check(const struct log_entry *entry)
{
	struct text_builder text = {0};

	if (entry->event)
		return;
	bool faceless = entry->says_face && !entry->face.width;
	promise(entry->by && entry->verdict.count >= !faceless && entry->verdict.count <= TOP_MAXIMUM);
	promise(entry->face.x >= 0 && entry->face.y >= 0 && entry->face.width <= PICTURE_SIDE_MAXIMUM);
	text_add(&text, "{");
	verdict_print(&text, &entry->verdict);
	text_add(&text, "}");
	promise(!text.failed);
	json_t *again = json_loads(text.data, 0, NULL);
	promise(again);
	json_decref(again);
	text_finish(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log_reader *reader;
	struct log_entry entry;
	struct error e = {0};
	FILE *file = size ? fmemopen((void *)data, size, "r") : NULL;

	if (!file)
		return 0;
	int status = log_reader_open_file(file, "x.jsonl", &reader, &e);
	promise(!status == !!reader);
	if (status) {
		promise(e.code == status && e.text[0]);
		return 0;
	}
	const struct log_about *about = log_reader_about(reader);
	promise(about->network && about->pl && about->top_k >= 1 && about->smoothing >= 0 &&
		about->smoothing <= (about->version == 1 ? 1 : SMOOTHING_MOST));
	while (!(status = log_reader_next(reader, &entry, &e)))
		check(&entry);
	promise(status == -ENODATA || status == -EBADMSG);
	log_reader_close(reader);
	return 0;
}
