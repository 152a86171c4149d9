/* SPDX-License-Identifier: MIT */
#include "dataset/input.h"

#include "base/error.h"
#include "base/file.h"
#include "image/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_PATIENCE 60000 /* ms until the first byte of a pipe: what makes a list may have to search */

/* What zlib's last call failed for. */
static int fault(const struct dataset_input *input, struct error *e)
{
	int cause = errno;
	int code = Z_OK;
	const char *text = gzerror(input->file, &code);

	if (code == Z_MEM_ERROR)
		return error_set(e, -ENOMEM, "out of memory for %s", input->path);
	if (code == Z_ERRNO)
		return error_set(e, cause ? -cause : -EIO, "cannot read %s: %s", input->path,
			strerror(cause ? cause : EIO));
	if (strstr(text, "incorrect")) /* "incorrect data check", "incorrect length check" */
		return error_set(e, -EBADMSG, "%s is damaged: its checksum is wrong", input->path);
	if (code == Z_BUF_ERROR)
		return error_set(e, -EBADMSG, "%s ends too early, or is broken", input->path);
	return error_set(
		e, -EBADMSG, "%s is damaged, or no gzip file though it starts like one", input->path);
}

int dataset_input_open(struct dataset_input *input, const char *path, struct error *e)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : file_open_within(path, PIPE_PATIENCE);
	int cause = standard ? -errno : fd;
	struct stat status;

	*input = (struct dataset_input){.path = path};
	if (fd < 0)
		return error_set(e, cause, "cannot open %s: %s", path,
			cause == -ETIMEDOUT ? "nobody writes to this pipe" : strerror(-cause));
	input->regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	input->file = gzdopen(fd, "rb");
	if (!input->file) {
		close(fd);
		return error_set(e, -ENOMEM, "out of memory for %s", path);
	}
	errno = 0;
	int got = gzread(input->file, input->begin, sizeof(input->begin));
	if (got < 0) {
		int rc = fault(input, e);
		dataset_input_close(input);
		return rc;
	}
	input->begin_size = (size_t)got;
	return 0;
}

void dataset_input_close(struct dataset_input *input)
{
	if (input->file)
		gzclose(input->file);
	input->file = NULL;
}

/* A megabyte can be unpacked to a gigabyte. */
static int limits_check(const struct dataset_input *input, struct error *e)
{
	if (input->used > DATASET_BYTES_MAXIMUM)
		return error_set(e, -EBADMSG, "%s has more than %zu MiB; divide it", input->path,
			DATASET_BYTES_MAXIMUM >> 20);
	z_off_t packed = gzoffset(input->file); /* −1: a pipe */
	if (input->used > DATASET_RATIO_BYTES && packed >= 0 &&
		input->used / DATASET_RATIO_MAXIMUM > (size_t)packed)
		return error_set(e, -EBADMSG,
			"%s unpacks to more than %d times its size, which no data set does; unpack it by "
			"hand if you trust it",
			input->path, DATASET_RATIO_MAXIMUM);
	return 0;
}

/* At the end of the bytes: a gzip file has an end of its own. */
static bool cut_short(const struct dataset_input *input)
{
	int code = Z_OK;

	gzerror(input->file, &code);
	return code == Z_BUF_ERROR;
}

int dataset_input_read(struct dataset_input *input, void *data, size_t size, size_t *got, struct error *e)
{
	uint8_t *to = data;

	*got = 0;
	while (*got < size) {
		size_t left = size - *got;
		int more;
		if (input->used < input->begin_size) {
			size_t ready = input->begin_size - input->used;
			more = (int)(left < ready ? left : ready);
			memcpy(to + *got, input->begin + input->used, (size_t)more);
		} else {
			errno = 0;
			more = gzread(input->file, to + *got, left > INT_MAX ? INT_MAX : (unsigned)left);
			if (more < 0)
				return fault(input, e);
		}
		if (more == 0)
			return cut_short(input) ? fault(input, e) : 0;
		*got += (size_t)more;
		input->used += (size_t)more;
		int rc = limits_check(input, e);
		if (rc)
			return rc;
	}
	return 0;
}
