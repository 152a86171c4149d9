/* SPDX-License-Identifier: MIT */
/* --exec COMMAND: runs a program on events, without a shell. helper.h says how. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "sink/drivers.h"
#include "sink/exec/arguments.h"
#include "sink/exec/helper.h"
#include "sink/state/event_json.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long the last commands get when the program ends, ns. */
#define LAST_MOMENT (5 * NS_PER_S)

#define EVENT_USUAL "label_begin"

static const char *const names[] = {"start", "label_begin", "label_change", "label_end", "camera_lost",
	"camera_back", "pl_failed", "pl_alarm", "pl_alarm_over", "pl_retired", "pl_returned", "stop"};

#define NAMES (sizeof(names) / sizeof(names[0]))

struct exec_sink {
	struct command_line command;
	struct exec_helper helper;
	bool wanted[NAMES];
	const struct sink_about *about;
	struct text_builder message, json; /* under the sinks' lock */
	struct exec_answer answer;
	bool complained;
	uint64_t lost; /* events that were not even told to the helper */
};

static bool wanted(const struct sink_options *options)
{
	return options->exec;
}

/* The list of --exec-on. */
static int choose(struct exec_sink *s, const char *list, struct error *e)
{
	for (const char *at = list; *at; at += at[0] == ',') {
		size_t length = strcspn(at, ","), i = 0;
		while (i < NAMES && (strlen(names[i]) != length || strncmp(names[i], at, length) != 0))
			i++;
		if (i == NAMES)
			return error_refuse(e, list, -EINVAL,
				"takes names of events with commas between, such as "
				"label_begin,label_end, not \"%.*s\"",
				(int)length, at);
		s->wanted[i] = true;
		at += length;
	}
	return 0;
}

static int exec_open(const struct sink_options *options, void **state, struct error *e)
{
	struct exec_sink *s = calloc(1, sizeof(*s));
	struct error why = {0};

	if (!s)
		return error_set(e, -ENOMEM, "out of memory");
	int status = choose(s, options->exec_on ? options->exec_on : EVENT_USUAL, e);
	if (!status) {
		status = command_line_parse(options->exec, &s->command, &why);
		const char *option = status == -EINVAL ? "" : "--exec: ";
		if (status)
			error_refuse(e, options->exec, status, "%s%s", option, why.text);
	}
	if (!status) {
		const struct helper_options helper = {s->command.path, s->command.items, options->exec_pause};
		status = helper_start(&helper, &s->helper);
		if (status)
			error_set(e, status, "--exec: no process can be started: %s", strerror(-status));
	}
	if (status) {
		command_line_finish(&s->command);
		free(s);
		return status;
	}
	*state = s;
	return 0;
}

static int exec_start(void *state, const struct sink_about *about, struct error *e)
{
	struct exec_sink *s = state;

	(void)e;
	s->about = about;
	return 0;
}

/* Of a command that failed, once. */
static void complain(struct exec_sink *s)
{
	const struct exec_answer *a = &s->answer;

	if (s->complained || !(a->failure || a->status))
		return;
	s->complained = true;
	if (a->failure)
		log_warning("--exec: no process can be started: %s", strerror(a->failure));
	else if (WIFSIGNALED(a->status))
		log_warning("--exec: %s was ended by signal %d; further failures are not told",
			s->command.items[0], WTERMSIG(a->status));
	else
		log_warning("--exec: %s ended with %d; further failures are not told", s->command.items[0],
			WEXITSTATUS(a->status));
}

/* Takes the answers that are there. False: the helper has ended. */
static bool hear(struct exec_sink *s)
{
	ssize_t got;

	while ((got = recv(s->helper.fd, &s->answer, sizeof(s->answer), MSG_DONTWAIT)) ==
		(ssize_t)sizeof(s->answer))
		complain(s);
	return got < 0 && (errno == EAGAIN || errno == EINTR);
}

static void exec_close(void *state)
{
	struct exec_sink *s = state;
	struct pollfd poll_for = {s->helper.fd, POLLIN, 0};
	int64_t until = clock_now() + LAST_MOMENT;

	shutdown(s->helper.fd, SHUT_WR);
	bool runs = hear(s);
	for (int64_t now = clock_now(); runs && now < until; now = clock_now()) {
		poll(&poll_for, 1, (int)((until - now) / NS_PER_MS) + 1);
		runs = hear(s);
	}
	if (runs)
		log_warning("--exec: %s still runs, and is left alone", s->command.items[0]);
	else
		waitpid(s->helper.process, NULL, 0);
	if (s->answer.skipped + s->lost)
		log_info("--exec: %" PRIu64 " events ran nothing, as newer ones came first",
			s->answer.skipped + s->lost);
	close(s->helper.fd);
	command_line_finish(&s->command);
	text_finish(&s->message);
	text_finish(&s->json);
	free(s);
}

static void add(struct exec_sink *s, const char *name, const char *value)
{
	if (value)
		text_add(&s->message, "EVENT%s=%s%c", name, value, '\0');
}

static void add_number(struct exec_sink *s, const char *name, double value)
{
	text_add(&s->message, "EVENT%s=%.4f%c", name, value, '\0');
}

static void make_message(struct exec_sink *s, const struct sink_event *event)
{
	const struct sink_label *label = event->label;
	struct text_builder *t = &s->message;

	text_clear(t);
	add(s, "", event->name);
	text_add(t, "EVENT_TIME=");
	text_add_time(t, event->wall);
	text_add(t, "%cEVENT_FRAME=%" PRIu64 "%c", '\0', event->frame, '\0');
	add(s, "_SOURCE", s->about->source);
	add(s, "_TEXT", event->text);
	if (label) {
		text_add(t, "EVENT_ID=%" PRIu64 "%c", label->number, '\0');
		add(s, "_LABEL", label->name);
		add_number(s, "_CONFIDENCE", (double)label->confidence);
		add(s, "_DETAIL", label->detail);
		add_number(s, "_BEST", (double)label->best);
		add_number(s, "_SECONDS", (double)(event->monotonic - label->began) / 1e9);
	}
	text_clear(&s->json);
	event_json(&s->json, event, s->about);
	add(s, "_JSON", s->json.failed ? NULL : s->json.data);
}

static void exec_event(void *state, const struct sink_event *event)
{
	struct exec_sink *s = state;
	size_t i = 0;

	while (i < NAMES && strcmp(names[i], event->name) != 0)
		i++;
	if (i == NAMES || !s->wanted[i])
		return;
	hear(s);
	make_message(s, event);
	const struct text_builder *t = &s->message;
	s->lost += t->failed || t->length > EXEC_MESSAGE_BYTES ||
		   send(s->helper.fd, t->data, t->length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0;
}

const struct sink_driver sink_exec = {
	.name = "exec",
	.wanted = wanted,
	.open = exec_open,
	.close = exec_close,
	.start = exec_start,
	.event = exec_event,
};
