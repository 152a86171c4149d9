/* SPDX-License-Identifier: MIT */
/* A recording that is looked at: its blocks lie in the file, follow each other, and end. */
#include "fuzz.h"

#include "sink/http/clip.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("clip", 0);
	struct clip_block block;
	struct clip clip;

	promise(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (clip_open(fd, &clip) == 0) {
		uint64_t behind = 0;
		while (clip_next(&clip, &block) != CLIP_END) {
			promise(block.offset >= behind && block.offset <= size &&
				block.size <= size - block.offset);
			promise(block.cluster < block.offset && block.duration >= 0);
			behind = block.offset + block.size;
		}
		clip_seek(&clip, 1000);
		(void)clip_next(&clip, &block);
	}
	close(fd);
	return 0;
}
