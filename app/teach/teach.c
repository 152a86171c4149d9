/* SPDX-License-Identifier: MIT */
/* `twobit teach`: gives a network a last layer for the user's own classes. */
#include "base/error.h"
#include "base/log.h"
#include "choice/choice.h"
#include "cli/command.h"
#include "cli/interruption.h"
#include "cli/networks.h"
#include "cli/options.h"
#include "cli/output.h"
#include "display/display.h"
#include "nn/engine.h"
#include "source/source.h"
#include "teach/camera.h"
#include "teach/lesson.h"
#include "teach/pictures.h"
#include "teach/report.h"
#include "teach/target.h"

#include <limits.h>
#include <strings.h>
#include <sysexits.h>

struct teach_values {
	struct option_text from, network, kernels, source, display, drm_device, connector;
	bool add, json;
};

static const struct option options[] = {
	{"from", 0, OPTION_TEXT, "FOLDER", "Learn from pictures: FOLDER/CLASS/*.jpg; else from a camera",
		offsetof(struct teach_values, from)},
	{"add", 0, OPTION_FLAG, NULL, "Go on with what NAME was taught before",
		offsetof(struct teach_values, add)},
	OPTION_ROW_NETWORK(struct teach_values, network),
	OPTION_ROW_KERNELS(struct teach_values, kernels),
	{"device", 'd', OPTION_TEXT, "SOURCE", "Camera, or another source of frames [the first camera]",
		offsetof(struct teach_values, source)},
	{"display", 0, OPTION_TEXT, "NAME", "Where to show; see `twobit list displays` [auto]",
		offsetof(struct teach_values, display)},
	{"drm-device", 0, OPTION_TEXT, "PATH", "Graphics card for the display drm [the first with a monitor]",
		offsetof(struct teach_values, drm_device)},
	{"connector", 0, OPTION_TEXT, "NAME", "Its connector, such as HDMI-A-1 [the first with a monitor]",
		offsetof(struct teach_values, connector)},
	{"json", 0, OPTION_FLAG, NULL, "Print what was learned as JSON", offsetof(struct teach_values, json)},
	{0},
};

/* One call: where the result goes, and what is taught. */
struct teaching {
	const struct invocation *invocation;
	struct teach_values values;
	const char *name;      /* as the user gave it */
	char folder[PATH_MAX]; /* where it is saved */
	struct lesson lesson;
};

/* The network whose features serve: with --add the taught one itself. */
static int open_network(struct teaching *t, struct error *e)
{
	const struct teach_values *v = &t->values;
	const char *name = v->add ? t->folder : v->network.text;
	const struct choice choice = {.kernels = v->kernels.text, .quiet = quiet(t->invocation)};
	struct network *network;
	/* One that is named may end in codes, too. */
	int rc = name ? networks_load(name, &network, e) : choose_network(&choice, &network, e);

	if (!rc)
		rc = lesson_begin(&t->lesson, network, v->kernels.text, e);
	return !rc && v->add ? lesson_read(&t->lesson, t->folder, e) : rc;
}

static int learn_from_camera(struct teaching *t, char **labels, int count, struct error *e)
{
	const struct teach_values *v = &t->values;
	const struct source_options wanted = {.paced = true};
	const struct teach_camera_options camera = {
		v->source.text, v->display.text, &wanted, v->drm_device.text, v->connector.text};
	enum failure where;
	int class;

	for (int i = 0; i < count; i++)
		if (lesson_class(&t->lesson, labels[i], &class, e))
			return usage_error(t->invocation, "%s", e->text);
	return teach_camera(&t->lesson, &camera, &where, e) ? fail_at(t->invocation, where, e) : EX_OK;
}

static int learn_from_pictures(struct teaching *t, struct error *e)
{
	bool progress = progress_wanted(t->invocation);

	if (!teach_pictures(&t->lesson, t->values.from.text, progress, e))
		return EX_OK;
	e->wrong = t->values.from.text;
	return fail_at(t->invocation, FAILURE_SOURCE, e);
}

/* What has been learned is saved also after a camera's failure: the pictures cannot be taken again. */
static int save(struct teaching *t, struct error *e)
{
	struct ridge ridge;

	lesson_drop_empty(&t->lesson);
	if (t->lesson.repeated)
		log_info("%d %s there already and left out", t->lesson.repeated,
			t->lesson.repeated == 1 ? "picture was" : "pictures were");
	if (lesson_fit(&t->lesson, &ridge, e))
		return fail(FAILURE_SOURCE, e);
	int code = lesson_save(&t->lesson, &ridge, t->folder, t->values.add, e) ? fail(FAILURE_CREATE, e)
										: EX_OK;
	if (!code && (t->values.json || !quiet(t->invocation)))
		teach_report_print(&t->lesson, &ridge, t->folder, t->name, t->values.json);
	ridge_finish(&ridge);
	return code;
}

/* What is no name of a display or of kernels is told before anything is opened. */
static int check_names(const struct teaching *t, struct error *e)
{
	const struct teach_values *v = &t->values;
	const struct display_options shown = {
		.drm_device = v->drm_device.text, .connector = v->connector.text};

	if (display_check(v->display.text, &shown, e))
		return fail_at(t->invocation, FAILURE_DISPLAY, e);
	return engine_check_kernels(v->kernels.text, e) ? fail_at(t->invocation, FAILURE_KERNELS, e) : EX_OK;
}

static int teach(struct teaching *t, char **labels, int count)
{
	struct error e;
	int code;

	if (target_find(t->name, t->values.add, t->folder, &e))
		return fail(FAILURE_CREATE, &e);
	if ((code = check_names(t, &e)))
		return code;
	if (open_network(t, &e))
		return fail_at(t->invocation, FAILURE_NETWORK, &e);
	interruption_catch();
	code = t->values.from.text ? learn_from_pictures(t, &e) : learn_from_camera(t, labels, count, &e);
	if (code && (t->values.from.text || code == EX_USAGE || !t->lesson.count))
		return code;
	if (!t->lesson.count) {
		log_info("no picture was taken; nothing is saved");
		return EX_OK;
	}
	int saved = save(t, &e);
	return code ? code : saved;
}

/* What the keys of the camera stand for. */
static int check_classes(const struct invocation *invocation, char **labels, int count)
{
	if (count > 9)
		return usage_error(invocation, "%d classes; there are keys for 9", count);
	for (int i = 1; i < count; i++)
		for (int other = 0; other < i; other++)
			if (strcasecmp(labels[i], labels[other]) == 0)
				return usage_error(invocation, "\"%s\" and \"%s\" are the same class",
					labels[other], labels[i]);
	return EX_OK;
}

static int run(struct invocation *invocation)
{
	struct teaching t = {.invocation = invocation, .values = {.display = {"auto"}}};
	int count;
	int code = options_parse(invocation, &t.values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	if (!count)
		return usage_error(invocation, "the NAME of what is to be taught is missing");
	if (t.values.from.text && count > 1)
		return usage_error(invocation,
			"with --from the classes are its folders; \"%s\" is one argument too many",
			invocation->argv[1]);
	if (!t.values.from.text && !t.values.add && count < 2)
		return usage_error(
			invocation, "name the classes to show to the camera, or give --from FOLDER");
	if ((code = check_classes(invocation, invocation->argv + 1, count - 1)))
		return code;
	/* A network from the environment or the configuration file is for other calls. */
	if (t.values.add && option_given(&t.values.network))
		return usage_error(invocation,
			"--add goes on with the network that %s has; leave out --network",
			invocation->argv[0]);
	t.name = invocation->argv[0];
	code = teach(&t, invocation->argv + 1, count - 1);
	lesson_finish(&t.lesson);
	return output_finish(code);
}

const struct command teach_command = {
	.name = "teach",
	.summary = "Teach a network classes of your own",
	.usage = "[OPTION]… NAME|DIR [CLASS…]",
	.details =
		"Keeps a network's layers of features and fits a new last layer to your pictures; `live`,\n"
		"`classify` and the others then find it by NAME. With a slash, DIR is the folder to make.\n"
		"From a camera, name up to 9 classes: hold key 1, 2, … while it sees that class, b while it\n"
		"sees none of them; u drops the last picture, q saves. With --from, each class is a folder\n"
		"of pictures; one called \"background\" means none of these.\n"
		"How often each picture is named rightly is measured with a fit to all the others, but for\n"
		"those taken in the same burst.",
	.examples =
		"twobit teach desk cup keys phone\n"
		"twobit teach pets --from pictures/\n"
		"twobit live --network desk",
	.options = options,
	.run = run,
};
