/* SPDX-License-Identifier: MIT */
#include "live/confinement.h"

#include "base/error.h"
#include "base/installation.h"
#include "base/log.h"
#include "cli/command.h"
#include "flow/thread.h"
#include "recorder/names.h"
#include "sandbox/sandbox.h"
#include "source/address.h"
#include "source/source.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct confinement {
	struct sandbox_files *files; /* NULL: they are not limited */
	bool limits_calls, network, verbose;
};

const char *const confinement_modes[] = {"auto", "on", "off", NULL};

/*
 * What libraries read later, as on the first letter that a font lacks, a new thread or a larger window: the
 * system's and the user's own. The rest of the user's files stays closed.
 */
static const char *const read_paths[] = {"/usr", "/lib", "/lib32", "/lib64", "/opt", "/proc", "/sys",
	"/run/udev", "/dev/urandom", "/dev/random", "/etc/X11", "/etc/alternatives", "/etc/drirc",
	"/etc/fonts", "/etc/glvnd", "/etc/group", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/localtime",
	"/etc/locale.alias", "/etc/nsswitch.conf", "/etc/passwd", "/etc/timezone", "/etc/vulkan",
	"/var/cache/fontconfig", NULL};
static const char *const home_paths[] = {"/.Xauthority", "/.Xdefaults", "/.XCompose", "/.config/fontconfig",
	"/.config/xkb", "/.drirc", "/.fonts", "/.fonts.conf", "/.icons", "/.local/share/fonts",
	"/.local/share/icons", "/.local/share/vulkan", "/.nv", NULL};
static const char *const device_paths[] = {
	"/dev/dri", "/dev/full", "/dev/null", "/dev/tty", "/dev/zero", "/dev/nvidia*", NULL};

/* A resolver's answers may come from anywhere, and the files are replaced when the network changes. */
static const char *const network_paths[] = {
	"/etc", "/run/NetworkManager", "/run/resolvconf", "/run/systemd/resolve", NULL};

#define PL_NOTES "/run/twobit"

/* What it takes to load a bitstream again. */
static const char *const pl_paths[] = {"/dev", "/lib/firmware", "/sys/class/fpga_manager/*", PL_NOTES,
	"/sys/class/u-dma-buf/*", "/sys/kernel/config/device-tree/overlays", NULL};

static void allow_all(
	struct sandbox_files *files, const char *before, const char *const *paths, enum sandbox_access access)
{
	char pattern[PATH_MAX];
	glob_t found;

	for (; *paths; paths++) {
		if (snprintf(pattern, sizeof(pattern), "%s%s", before, *paths) >= PATH_MAX ||
			glob(pattern, GLOB_NOSORT, NULL, &found))
			continue;
		for (size_t i = 0; i < found.gl_pathc; i++)
			sandbox_files_allow(files, found.gl_pathv[i], access);
		globfree(&found);
	}
}

/* The cache is for what can be lost: what graphics drivers compile, what fonts there are. */
static void allow_users(struct sandbox_files *files)
{
	static const char *const cache_path[] = {"/.cache", NULL};
	const char *home = getenv("HOME"), *cache = getenv("XDG_CACHE_HOME"), *key = getenv("XAUTHORITY");
	char data[PATH_MAX];

	if (home && home[0] == '/') {
		allow_all(files, home, home_paths, SANDBOX_READ);
		if (!cache || !cache[0])
			allow_all(files, home, cache_path, SANDBOX_WRITE);
	}
	if (cache && cache[0] == '/')
		sandbox_files_allow(files, cache, SANDBOX_WRITE);
	if (key)
		sandbox_files_allow(files, key, SANDBOX_READ);
	if (!installation_find("", data, sizeof(data)))
		sandbox_files_allow(files, data, SANDBOX_READ);
	if (!installation_modules(data, sizeof(data)))
		sandbox_files_allow(files, data, SANDBOX_READ);
}

static void allow_network(struct sandbox_files *files)
{
	allow_all(files, "", network_paths, SANDBOX_READ);
}

/* The links in a folder of pictures may lead anywhere. */
static void allow_source(struct sandbox_files *files, const char *source)
{
	struct stat status;

	if (!source || source_is_camera(source))
		sandbox_files_allow(files, "/dev", SANDBOX_WRITE); /* a replugged camera is a new file */
	else if (address_is(source))
		allow_network(files);
	else if (!stat(source, &status) && S_ISDIR(status.st_mode))
		sandbox_files_allow(files, "/", SANDBOX_READ);
	else
		sandbox_files_allow(files, source, SANDBOX_READ);
}

static void allow_broker(struct sandbox_files *files, const struct confinement_plan *plan)
{
	if (plan->broker)
		allow_network(files);
	if (plan->authorities)
		sandbox_files_allow(files, plan->authorities, SANDBOX_READ);
}

static void allow_pl(struct sandbox_files *files)
{
	static const char *const data_path[] = {"/.local/share/twobit", NULL};
	const char *bitstream = getenv("TWOBIT_BITSTREAM"), *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	char folder[PATH_MAX];

	if (access("/sys/class/fpga_manager/fpga0", F_OK) && access("/sys/class/uio/uio0", F_OK))
		return;
	mkdir(PL_NOTES, 0755); /* root alone may, who alone can load */
	allow_all(files, "", pl_paths, SANDBOX_WRITE);
	if (bitstream) { /* and the device tree beside it */
		names_folder(bitstream, folder, sizeof(folder));
		sandbox_files_allow(files, folder, SANDBOX_READ);
	}
	if (data)
		sandbox_files_allow(files, data, SANDBOX_READ);
	if (home)
		allow_all(files, home, data_path, SANDBOX_READ);
}

static void allow_outputs(struct sandbox_files *files, const char *const outputs[CONFINEMENT_OUTPUTS])
{
	char folder[PATH_MAX], behind[PATH_MAX];

	for (int i = 0; i < CONFINEMENT_OUTPUTS; i++) {
		if (!outputs[i])
			continue;
		/* Behind a link the file itself is replaced. */
		const char *path = realpath(outputs[i], behind) ? behind : outputs[i];
		names_folder(path, folder, sizeof(folder));
		sandbox_files_allow(files, folder, SANDBOX_WRITE);
	}
}

static int limit_files(const struct confinement_plan *plan, struct sandbox_files **out, struct error *e)
{
	int status = sandbox_files_create(out, e);

	if (status)
		return status;
	allow_all(*out, "", read_paths, SANDBOX_READ);
	allow_all(*out, "", device_paths, SANDBOX_WRITE);
	allow_users(*out);
	allow_source(*out, plan->source);
	allow_broker(*out, plan);
	allow_pl(*out);
	allow_outputs(*out, plan->outputs);
	return 0;
}

int confinement_create(
	const struct confinement_plan *plan, const struct invocation *invocation, struct confinement **out)
{
	bool must = strcmp(plan->mode, "on") == 0;
	struct error e = {0}, why = {0};

	*out = NULL;
	if (strcmp(plan->mode, "off") == 0)
		return EX_OK;
	struct confinement *c = calloc(1, sizeof(*c));
	if (!c) {
		error_set(&e, -ENOMEM, "out of memory for the sandbox");
		return fail(FAILURE_OURS, &e);
	}
	c->verbose = invocation->verbose;
	c->network = plan->broker || (plan->source && address_is(plan->source));
	int status = limit_files(plan, &c->files, &e);
	int limited = status && must ? status : sandbox_calls_enter(plan->serves, c->verbose, &why);
	c->limits_calls = !limited;
	*out = c;
	if (must && (status || limited)) {
		confinement_destroy(c);
		*out = NULL;
		log_error("--sandbox on: %s", status ? e.text : why.text);
		return EX_UNAVAILABLE;
	}
	if (status)
		log_debug("sandbox: %s", e.text);
	if (limited)
		log_debug("sandbox: %s", why.text);
	return EX_OK;
}

struct confined_call {
	const struct confinement *confinement;
	int (*run)(void *argument);
	void *argument;
	int result;
};

static void *run_confined(void *argument)
{
	struct confined_call *call = argument;
	struct error e;

	if (sandbox_files_enter(call->confinement->files, &e))
		log_warning("%s", e.text);
	call->result = call->run(call->argument);
	return NULL;
}

int confinement_run(const struct confinement *confinement, int (*run)(void *argument), void *argument)
{
	struct confined_call call = {confinement, run, argument, EX_OSERR};
	pthread_t thread;

	if (!confinement || !confinement->files)
		return run(argument);
	int status = thread_start(&thread, "start", run_confined, &call);
	if (status) {
		log_error("no thread can be started: %s", strerror(-status));
		return EX_OSERR;
	}
	pthread_join(thread, NULL);
	return call.result;
}

void confinement_close(const struct confinement *confinement)
{
	struct error e;

	if (!confinement)
		return;
	unsigned sockets = (confinement->network ? SANDBOX_SOCKETS_NETWORK : 0) |
			   (getenv("NOTIFY_SOCKET") ? SANDBOX_SOCKETS_NOTIFY : 0);
	int status = confinement->limits_calls ? sandbox_sockets_enter(sockets, confinement->verbose, &e) : 0;
	if (!status && confinement->files)
		status = sandbox_files_enter(confinement->files, &e);
	if (status)
		log_warning("%s", e.text);
	else
		log_debug("sandbox: in force: %s%s%s", confinement->files ? "files (Landlock)" : "",
			confinement->files && confinement->limits_calls ? " and " : "",
			confinement->limits_calls ? "system calls (seccomp)" : "");
}

void confinement_destroy(struct confinement *confinement)
{
	if (!confinement)
		return;
	sandbox_files_destroy(confinement->files);
	free(confinement);
}
