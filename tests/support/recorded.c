/* SPDX-License-Identifier: MIT */
#include "support/recorded.h"

#include "support/json_schema.h"

#include <libavformat/avformat.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void recorded_add(struct recorded_packet **list, size_t *count, const AVPacket *packet)
{
	*list = realloc(*list, (*count + 1) * sizeof(**list));
	struct recorded_packet *p = &(*list)[(*count)++];
	*p = (struct recorded_packet){
		packet->pts, packet->duration, (size_t)packet->size, calloc(1, (size_t)packet->size + 1)};
	memcpy(p->data, packet->data, p->size);
}

bool recorded_read_video(const char *path, struct recorded *r)
{
	AVFormatContext *format = NULL;
	AVPacket *packet = av_packet_alloc();

	av_log_set_level(AV_LOG_QUIET);
	bool opened = avformat_open_input(&format, path, NULL, NULL) == 0 && format->nb_streams == 2;
	if (opened) {
		r->width = format->streams[0]->codecpar->width;
		r->height = format->streams[0]->codecpar->height;
	}
	while (opened && av_read_frame(format, packet) == 0) {
		if (packet->stream_index == 0)
			recorded_add(&r->frame, &r->frames, packet);
		else
			recorded_add(&r->text, &r->texts, packet);
		av_packet_unref(packet);
	}
	av_packet_free(&packet);
	avformat_close_input(&format);
	return opened;
}

bool recorded_read_log(const char *path, const json_t *schema, struct recorded *r)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t capacity = 0;
	bool good = file;

	while (good && getline(&line, &capacity, file) > 0) {
		r->breaks_off = line[strlen(line) - 1] != '\n';
		if (r->breaks_off)
			break;
		json_t *value = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		good = value && (!schema || schema_allows(schema, schema, value));
		if (!good)
			fprintf(stderr, "not allowed: %s", line);
		r->line = realloc(r->line, (r->lines + 1) * sizeof(*r->line));
		r->line[r->lines++] = value;
	}
	free(line);
	if (file)
		fclose(file);
	return good;
}

bool recorded_read(const char *folder, const char *name, const json_t *schema, struct recorded *r)
{
	char path[PATH_MAX];

	*r = (struct recorded){0};
	snprintf(path, sizeof(path), "%s/%s.mkv", folder, name);
	bool good = recorded_read_video(path, r);
	snprintf(path, sizeof(path), "%s/%s.jsonl", folder, name);
	return recorded_read_log(path, schema, r) && good;
}

void recorded_free(struct recorded *r)
{
	for (size_t i = 0; i < r->frames; i++)
		free(r->frame[i].data);
	for (size_t i = 0; i < r->texts; i++)
		free(r->text[i].data);
	for (size_t i = 0; i < r->lines; i++)
		json_decref(r->line[i]);
	free(r->frame);
	free(r->text);
	free(r->line);
	*r = (struct recorded){0};
}

int64_t recorded_number(const json_t *line, const char *path)
{
	char name[64];
	const char *dot = strchr(path, '.');

	if (!dot)
		return json_integer_value(json_object_get(line, path));
	snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
	return recorded_number(json_object_get(line, name), dot + 1);
}

const json_t *recorded_event(const struct recorded *r, const char *name)
{
	for (size_t i = 0; i < r->lines; i++) {
		const char *event = json_string_value(json_object_get(r->line[i], "event"));
		if (event && strcmp(event, name) == 0)
			return r->line[i];
	}
	return NULL;
}
