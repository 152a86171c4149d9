/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "sandbox/build.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Later than the first version; the headers may be older than the kernel. */
#define ACCESS_REFER (UINT64_C(1) << 13)     /* from version 2 on */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)  /* 3 */
#define ACCESS_IOCTL_DEV (UINT64_C(1) << 15) /* 5 */

#define READ_FOLDER LANDLOCK_ACCESS_FS_READ_DIR
#define READ_FILE (LANDLOCK_ACCESS_FS_READ_FILE | ACCESS_IOCTL_DEV)
#define WRITE_FOLDER                                                                                         \
	(LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |        \
		LANDLOCK_ACCESS_FS_REMOVE_DIR | ACCESS_REFER)
#define WRITE_FILE (LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)
/* These are allowed nowhere. */
#define NOWHERE                                                                                              \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |         \
		LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM)

struct sandbox_files {
	int ruleset;
	uint64_t handled; /* what this kernel can limit */
};

struct sandbox_support sandbox_support(void)
{
	struct sandbox_support support = {.calls = SANDBOX_BUILT && prctl(PR_GET_SECCOMP) >= 0};
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (SANDBOX_BUILT && version > 0)
		support.files = (int)version;
	return support;
}

static uint64_t handled_by(int version)
{
	uint64_t handled = NOWHERE | READ_FOLDER | READ_FILE | WRITE_FOLDER | WRITE_FILE;

	if (version < 2)
		handled &= ~ACCESS_REFER;
	if (version < 3)
		handled &= ~ACCESS_TRUNCATE;
	if (version < 5)
		handled &= ~ACCESS_IOCTL_DEV;
	return handled;
}

int sandbox_files_create(struct sandbox_files **out, struct error *e)
{
	int version = sandbox_support().files;

	*out = NULL;
	if (!version)
		return error_set(e, -ENOSYS, "this kernel does not limit files (Landlock)");
	struct landlock_ruleset_attr rules = {.handled_access_fs = handled_by(version)};
	struct sandbox_files *files = malloc(sizeof(*files));
	int ruleset =
		files ? (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules.handled_access_fs), 0)
		      : -1;
	if (ruleset < 0) {
		int rc = files ? -errno : -ENOMEM;
		free(files);
		return error_set(e, rc, "files cannot be limited (Landlock): %s", strerror(-rc));
	}
	*files = (struct sandbox_files){ruleset, rules.handled_access_fs};
	*out = files;
	return 0;
}

void sandbox_files_destroy(struct sandbox_files *files)
{
	if (!files)
		return;
	close(files->ruleset);
	free(files);
}

void sandbox_files_allow(struct sandbox_files *files, const char *path, enum sandbox_access access)
{
	struct stat status;
	int fd = open(path, O_PATH | O_CLOEXEC);
	uint64_t allowed = READ_FILE | (access == SANDBOX_WRITE ? WRITE_FILE : 0);

	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode))
		allowed |= READ_FOLDER | (access == SANDBOX_WRITE ? WRITE_FOLDER : 0);
	const struct landlock_path_beneath_attr rule = {allowed & files->handled, fd};
	/* A rule that fails allows nothing: what it was for reports that. */
	(void)syscall(SYS_landlock_add_rule, files->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(fd);
}

int sandbox_files_enter(const struct sandbox_files *files, struct error *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		syscall(SYS_landlock_restrict_self, files->ruleset, 0) == 0)
		return 0;
	int rc = -errno;
	return error_set(e, rc, "files cannot be limited (Landlock): %s", strerror(-rc));
}
