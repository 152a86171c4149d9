/* SPDX-License-Identifier: MIT */
/* The room of a file system: bytes that it has left for this user; UINT64_MAX: it does not report them. */
#ifndef RECORDER_ROOM_H
#define RECORDER_ROOM_H

#include <stdint.h>

uint64_t room_of(int file);
uint64_t room_in(const char *folder);

#endif
