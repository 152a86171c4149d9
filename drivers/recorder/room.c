/* SPDX-License-Identifier: MIT */
#include "recorder/room.h"

#include <sys/statvfs.h>

static uint64_t reported(const struct statvfs *status)
{
	return status->f_blocks ? (uint64_t)status->f_bavail * status->f_frsize : UINT64_MAX;
}

uint64_t room_of(int file)
{
	struct statvfs status;

	return fstatvfs(file, &status) ? UINT64_MAX : reported(&status);
}

uint64_t room_in(const char *folder)
{
	struct statvfs status;

	return statvfs(folder, &status) ? UINT64_MAX : reported(&status);
}
