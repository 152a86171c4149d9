/* SPDX-License-Identifier: MIT */
/*
 * For LD_PRELOAD, before a program starts: counts the program's calls of functions that can fail, and lets
 * one of them fail. `sweep` tells what to do by the environment:
 *
 *     FAULTS_TABLE=FILE   the file gets a struct fault_site for each place that calls such a function
 *     FAULTS="FUNCTION MODULE BELOW CALLER OWN NTH TIMES HOW ERRNO"
 *                         at the place that these five name, the calls from the NTH on (counted from 1) fail,
 *                         TIMES of them (0: all); HOW is `error` or, for what reads and writes, `short`: half
 *                         of the bytes
 *
 * A place is the function, the file and the address in it that called it, and, where that file is a library,
 * the address in the program (or a module of its own) below it on the stack. So malloc for fopen is another
 * place for each fopen of the program. Before `main` nothing fails: what libraries do while they are loaded
 * is not the program's.
 *
 * The errors of stdio are real ones: its descriptor is for a moment one that cannot be read, or written.
 */
/* Every function has the name that it has in the library: no macros that redirect or check calls. */
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#undef _FORTIFY_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define SITES 16384 /* a power of two */
#define DEPTH 64    /* of the stack, to find the program below libraries */
#define EARLY_BYTES 65536

/* sweep reads these: keep them as they are there. */
struct fault_site {
	char function[24];
	char module[40], below[40]; /* "program", or a file's name; below is "-" for none */
	uint64_t caller, own;	    /* offsets in these two */
	_Atomic uint64_t calls, faults;
};

struct fault {
	struct fault_site place;
	uint64_t nth, times;
	bool shortened;
	int error;
};

static struct fault_site *sites;
static struct fault wanted;
static atomic_bool active;
static atomic_flag adding = ATOMIC_FLAG_INIT;
static int unreadable = -1, full = -1; /* descriptors: reads fail with EIO, writes with ENOSPC */
/* Set while this file's own work calls functions of the C library. */
static _Thread_local bool inside __attribute__((tls_model("initial-exec")));

/* What dlsym itself allocates, before malloc is known. */
static _Alignas(16) unsigned char early[EARLY_BYTES];
static size_t early_used;
static bool finding; /* dlsym is at work */

static void *early_take(size_t size)
{
	void *taken = early + early_used;

	size = (size + 15) & ~(size_t)15;
	if (size > EARLY_BYTES - early_used)
		return NULL;
	early_used += size;
	return taken;
}

static bool is_early(const void *memory)
{
	return (const unsigned char *)memory >= early && (const unsigned char *)memory < early + EARLY_BYTES;
}

/* A function behind this file: that of the C library or of a sanitizer. */
struct behind {
	const char *name;
	void *function;
};

/* All of them stand in one section, whose ends the linker knows. */
extern struct behind __start_behinds[], __stop_behinds[];

/*
 * Finds them all at the first call of any: the program has one thread then. A sanitizer that begins calls
 * functions of this file whose namesakes it does not know itself yet. dlsym allocates at most.
 */
static void *behind(struct behind *wanted_one)
{
	static bool found;

	if (!found) {
		found = true;
		finding = true;
		for (struct behind *b = __start_behinds; b < __stop_behinds; b++)
			b->function = dlsym(RTLD_NEXT, b->name);
		finding = false;
	}
	return wanted_one->function;
}

/* The file that an address is in: the program has no name. NULL: none. */
static const struct link_map *object_of(void *address)
{
	struct dl_find_object found;

	return _dl_find_object(address, &found) ? NULL : found.dlfo_link_map;
}

/* The program, or a module of its own (core/base/module.h). */
static bool is_own(const struct link_map *object)
{
	return object && (!object->l_name[0] || strstr(object->l_name, "/modules/"));
}

/* The address as an offset, and the name of its file. */
static uint64_t name_object(const struct link_map *object, void *address, char *name, size_t size)
{
	const char *slash = strrchr(object->l_name, '/');

	snprintf(name, size, "%s", !object->l_name[0] ? "program" : slash ? slash + 1 : object->l_name);
	return (uintptr_t)address - object->l_addr;
}

static void find_below(struct fault_site *place)
{
	void *stack[DEPTH];
	int depth = backtrace(stack, DEPTH);

	snprintf(place->below, sizeof(place->below), "-");
	for (int i = 0; i < depth; i++) {
		const struct link_map *object = object_of(stack[i]);
		if (is_own(object)) {
			place->own = name_object(object, stack[i], place->below, sizeof(place->below));
			return;
		}
	}
}

/* Fills what names the place; false if the caller is in no file. */
static bool place_of(const char *function, void *caller, struct fault_site *place)
{
	const struct link_map *object = object_of(caller);

	*place = (struct fault_site){0};
	snprintf(place->function, sizeof(place->function), "%s", function);
	if (!object)
		return false;
	place->caller = name_object(object, caller, place->module, sizeof(place->module));
	if (is_own(object)) {
		memcpy(place->below, place->module, sizeof(place->below));
		place->own = place->caller;
	} else {
		find_below(place);
	}
	return true;
}

static bool same(const struct fault_site *a, const struct fault_site *b)
{
	return a->caller == b->caller && a->own == b->own && strcmp(a->function, b->function) == 0 &&
	       strcmp(a->module, b->module) == 0 && strcmp(a->below, b->below) == 0;
}

/* The place's row in the table, NULL if that is full. */
static struct fault_site *row_of(const struct fault_site *place)
{
	size_t at = (place->caller * 31 + place->own * 17 + (unsigned char)place->function[0]) & (SITES - 1);
	struct fault_site *row = NULL;

	while (atomic_flag_test_and_set(&adding))
		;
	for (int i = 0; i < SITES && !row; i++, at = (at + 1) & (SITES - 1)) {
		if (!sites[at].function[0])
			sites[at] = *place;
		if (same(&sites[at], place))
			row = &sites[at];
	}
	atomic_flag_clear(&adding);
	return row;
}

/* Counts a call, and says whether it is to fail: then errno is set. */
static bool fails(const char *function, void *caller)
{
	struct fault_site place;
	bool failing = false;

	if (!atomic_load_explicit(&active, memory_order_relaxed) || inside)
		return false;
	int before = errno;
	inside = true;
	struct fault_site *row = place_of(function, caller, &place) ? row_of(&place) : NULL;
	if (row) {
		uint64_t number = atomic_fetch_add(&row->calls, 1) + 1;
		failing = number >= wanted.nth && (!wanted.times || number < wanted.nth + wanted.times) &&
			  same(row, &wanted.place);
		if (failing)
			atomic_fetch_add(&row->faults, 1);
	}
	inside = false;
	errno = failing ? wanted.error : before;
	return failing;
}

static void require(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	abort();
}

/* A descriptor that is out of the way of the program's. */
static int open_apart(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC), apart = fcntl(fd, F_DUPFD_CLOEXEC, 200);

	require(apart >= 0, path);
	close(fd);
	return apart;
}

static void read_wanted(const char *text)
{
	char how[8];

	require(sscanf(text, "%23s %39s %39s %" SCNx64 " %" SCNx64 " %" SCNu64 " %" SCNu64 " %7s %d",
			wanted.place.function, wanted.place.module, wanted.place.below, &wanted.place.caller,
			&wanted.place.own, &wanted.nth, &wanted.times, how, &wanted.error) == 9,
		"FAULTS");
	wanted.shortened = strcmp(how, "short") == 0;
}

static void prepare(void)
{
	const char *table = getenv("FAULTS_TABLE"), *fault = getenv("FAULTS");
	void *warm[1];

	inside = true;
	require(table, "FAULTS_TABLE");
	int fd = open(table, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	require(fd >= 0 && ftruncate(fd, (off_t)(SITES * sizeof(struct fault_site))) == 0, table);
	sites = mmap(NULL, SITES * sizeof(struct fault_site), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	require(sites != MAP_FAILED, table);
	close(fd);
	unreadable = open_apart("/proc/self/mem", O_RDONLY);
	full = open_apart("/dev/full", O_WRONLY);
	if (fault)
		read_wanted(fault);
	unsetenv("LD_PRELOAD"); /* other programs are none of our business */
	backtrace(warm, 1);	/* loads what it needs */
	inside = false;
	atomic_store(&active, true);
}

#define CALLER __builtin_return_address(0)
#define EXPORTED __attribute__((visibility("default")))
/* The function behind this one, as a pointer of its type. */
#define BEHIND(name)                                                                                         \
	({                                                                                                   \
		static struct behind known_behind __attribute__((used, section("behinds"))) = {#name, NULL}; \
		(__typeof__(&(name)))behind(&known_behind);                                                  \
	})

/*
 * FAIL_AS(TYPE, NAME, PLAIN, PARAMETERS, ARGUMENTS, FAILURE): NAME returns FAILURE where it is to fail. Where
 * _FORTIFY_SOURCE checks a function it has another name; PLAIN is the one that it is counted by.
 */
#define FAIL_AS(type, name, plain, parameters, arguments, failure)                                           \
	type name parameters;                                                                                \
	EXPORTED type name parameters                                                                        \
	{                                                                                                    \
		return fails(#plain, CALLER) ? (failure) : BEHIND(name) arguments;                           \
	}
#define FAIL(type, name, parameters, arguments, failure)                                                     \
	FAIL_AS(type, name, name, parameters, arguments, failure)

/* As FAIL, for what returns a positive errno value. */
#define FAIL_ERRNO(name, parameters, arguments) FAIL(int, name, parameters, arguments, errno)

/* As FAIL, for what moves `size` bytes and may move fewer. */
#define FAIL_OR_SHORTEN(name, plain, parameters, whole, part)                                                \
	ssize_t name parameters;                                                                             \
	EXPORTED ssize_t name parameters                                                                     \
	{                                                                                                    \
		if (!fails(#plain, CALLER))                                                                  \
			return BEHIND(name) whole;                                                           \
		return wanted.shortened ? BEHIND(name) part : -1;                                            \
	}

/* As FAIL for functions of stdio: for the call, the stream's descriptor is `bad`. */
#define FAIL_STREAM(type, name, plain, parameters, arguments, stream, bad)                                   \
	type name parameters;                                                                                \
	EXPORTED type name parameters                                                                        \
	{                                                                                                    \
		if (!fails(#plain, CALLER))                                                                  \
			return BEHIND(name) arguments;                                                       \
		int kept = replace_descriptor(stream, bad);                                                  \
		type result = BEHIND(name) arguments;                                                        \
		restore_descriptor(stream, kept);                                                            \
		return result;                                                                               \
	}

static int replace_descriptor(FILE *stream, int bad)
{
	int fd = stream ? fileno(stream) : -1;
	int kept = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 200) : -1;

	if (kept >= 0)
		dup2(bad, fd);
	return kept;
}

static void restore_descriptor(FILE *stream, int kept)
{
	int before = errno;

	if (kept >= 0) {
		dup2(kept, fileno(stream));
		inside = true;
		close(kept);
		inside = false;
	}
	errno = before;
}

/* The program's main runs once the libraries are loaded. */
static int (*program_main)(int, char **, char **);

static int main_prepared(int argc, char **argv, char **environment)
{
	prepare();
	return program_main(argc, argv, environment);
}

int __libc_start_main(int (*start)(int, char **, char **), int argc, char **argv, void (*init)(void),
	void (*fini)(void), void (*ld_fini)(void), void *stack_end);

EXPORTED int __libc_start_main(int (*start)(int, char **, char **), int argc, char **argv, void (*init)(void),
	void (*fini)(void), void (*ld_fini)(void), void *stack_end)
{
	program_main = start;
	return BEHIND(__libc_start_main)(main_prepared, argc, argv, init, fini, ld_fini, stack_end);
}

/* Memory. dlsym may call it before it is known. */
EXPORTED void *malloc(size_t size)
{
	if (finding)
		return early_take(size);
	return fails("malloc", CALLER) ? NULL : BEHIND(malloc)(size);
}

EXPORTED void *calloc(size_t count, size_t size)
{
	if (finding)
		return early_take(count * size);
	return fails("calloc", CALLER) ? NULL : BEHIND(calloc)(count, size);
}

EXPORTED void *realloc(void *memory, size_t size)
{
	if (finding || is_early(memory)) {
		void *moved = malloc(size);
		if (moved && memory)
			memcpy(moved, memory, size); /* what lies behind it is ours as well */
		return moved;
	}
	return fails("realloc", CALLER) ? NULL : BEHIND(realloc)(memory, size);
}

EXPORTED void free(void *memory)
{
	if (memory && !is_early(memory))
		BEHIND(free)(memory);
}

FAIL(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size), NULL)
FAIL_ERRNO(posix_memalign, (void **memory, size_t alignment, size_t size), (memory, alignment, size))
FAIL(char *, strdup, (const char *text), (text), NULL)
FAIL(char *, strndup, (const char *text, size_t size), (text, size), NULL)

/* Threads. */
FAIL_ERRNO(pthread_create,
	(pthread_t * thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument),
	(thread, attributes, start, argument))
FAIL_ERRNO(pthread_mutex_init, (pthread_mutex_t * mutex, const pthread_mutexattr_t *a), (mutex, a))
FAIL_ERRNO(pthread_cond_init, (pthread_cond_t * condition, const pthread_condattr_t *a), (condition, a))
FAIL_ERRNO(pthread_condattr_init, (pthread_condattr_t * attributes), (attributes))
FAIL_ERRNO(pthread_attr_init, (pthread_attr_t * attributes), (attributes))
FAIL(int, sem_init, (sem_t * semaphore, int shared, unsigned value), (semaphore, shared, value), -1)

/* Descriptors. */
#define OPEN(name, parameters, arguments)                                                                    \
	EXPORTED int name parameters                                                                         \
	{                                                                                                    \
		va_list rest;                                                                                \
		va_start(rest, flags);                                                                       \
		mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;                    \
		va_end(rest);                                                                                \
		return fails(#name, CALLER) ? -1 : BEHIND(name) arguments;                                   \
	}

OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
OPEN(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
FAIL_AS(int, __open_2, open, (const char *path, int flags), (path, flags), -1)
FAIL_AS(int, __open64_2, open64, (const char *path, int flags), (path, flags), -1)
FAIL_AS(int, __openat_2, openat, (int folder, const char *path, int flags), (folder, path, flags), -1)
FAIL_AS(int, __openat64_2, openat64, (int folder, const char *path, int flags), (folder, path, flags), -1)
FAIL(FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL)
FAIL(FILE *, fopen64, (const char *path, const char *mode), (path, mode), NULL)
FAIL(FILE *, fdopen, (int fd, const char *mode), (fd, mode), NULL)
FAIL(DIR *, opendir, (const char *path), (path), NULL)
FAIL(DIR *, fdopendir, (int fd), (fd), NULL)
FAIL(int, dup, (int fd), (fd), -1)
FAIL(int, eventfd, (unsigned count, int flags), (count, flags), -1)
FAIL(int, signalfd, (int fd, const sigset_t *mask, int flags), (fd, mask, flags), -1)
FAIL(int, inotify_init1, (int flags), (flags), -1)

/* Where close fails, the descriptor is closed all the same: so do Linux and its file systems. */
EXPORTED int close(int fd)
{
	bool failing = fails("close", CALLER);
	int error = errno, status = BEHIND(close)(fd);

	if (failing)
		errno = error;
	return failing ? -1 : status;
}

/* Input and output. */
#define LESS(size) ((size) > 1 ? (size) / 2 : (size))

FAIL_OR_SHORTEN(read, read, (int fd, void *bytes, size_t size), (fd, bytes, size), (fd, bytes, LESS(size)))
FAIL_OR_SHORTEN(pread, pread, (int fd, void *bytes, size_t size, off_t at), (fd, bytes, size, at),
	(fd, bytes, LESS(size), at))
FAIL_OR_SHORTEN(pread64, pread64, (int fd, void *bytes, size_t size, off64_t at), (fd, bytes, size, at),
	(fd, bytes, LESS(size), at))
FAIL_OR_SHORTEN(__read_chk, read, (int fd, void *bytes, size_t size, size_t room), (fd, bytes, size, room),
	(fd, bytes, LESS(size), room))
FAIL_OR_SHORTEN(__pread_chk, pread, (int fd, void *bytes, size_t size, off_t at, size_t room),
	(fd, bytes, size, at, room), (fd, bytes, LESS(size), at, room))
FAIL_OR_SHORTEN(__pread64_chk, pread64, (int fd, void *bytes, size_t size, off64_t at, size_t room),
	(fd, bytes, size, at, room), (fd, bytes, LESS(size), at, room))
FAIL_OR_SHORTEN(
	write, write, (int fd, const void *bytes, size_t size), (fd, bytes, size), (fd, bytes, LESS(size)))
FAIL_OR_SHORTEN(pwrite, pwrite, (int fd, const void *bytes, size_t size, off_t at), (fd, bytes, size, at),
	(fd, bytes, LESS(size), at))
FAIL_OR_SHORTEN(pwrite64, pwrite64, (int fd, const void *bytes, size_t size, off64_t at),
	(fd, bytes, size, at), (fd, bytes, LESS(size), at))
FAIL(int, fsync, (int fd), (fd), -1)
FAIL(int, fdatasync, (int fd), (fd), -1)
FAIL(int, ftruncate, (int fd, off_t size), (fd, size), -1)
FAIL(int, ftruncate64, (int fd, off64_t size), (fd, size), -1)
FAIL(int, poll, (struct pollfd * polled, nfds_t count, int timeout), (polled, count, timeout), -1)
FAIL(int, ppoll, (struct pollfd * polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
	(polled, count, timeout, mask), -1)
FAIL_AS(int, __poll_chk, poll, (struct pollfd * polled, nfds_t count, int timeout, size_t room),
	(polled, count, timeout, room), -1)
FAIL_AS(int, __ppoll_chk, ppoll,
	(struct pollfd * polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
		size_t room),
	(polled, count, timeout, mask, room), -1)
FAIL(void *, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
	(at, size, protection, flags, fd, offset), MAP_FAILED)
FAIL(void *, mmap64, (void *at, size_t size, int protection, int flags, int fd, off64_t offset),
	(at, size, protection, flags, fd, offset), MAP_FAILED)

EXPORTED int ioctl(int fd, unsigned long request, ...)
{
	va_list rest;

	va_start(rest, request);
	void *argument = va_arg(rest, void *);
	va_end(rest);
	return fails("ioctl", CALLER) ? -1 : BEHIND(ioctl)(fd, request, argument);
}

FAIL_STREAM(size_t, fread, fread, (void *to, size_t size, size_t count, FILE *file), (to, size, count, file),
	file, unreadable)
FAIL_STREAM(char *, fgets, fgets, (char *to, int size, FILE *file), (to, size, file), file, unreadable)
FAIL_STREAM(size_t, __fread_chk, fread, (void *to, size_t room, size_t size, size_t count, FILE *file),
	(to, room, size, count, file), file, unreadable)
FAIL_STREAM(char *, __fgets_chk, fgets, (char *to, size_t room, int size, FILE *file), (to, room, size, file),
	file, unreadable)
FAIL_STREAM(ssize_t, __getdelim, __getdelim, (char **line, size_t *size, int end, FILE *file),
	(line, size, end, file), file, unreadable)
FAIL_STREAM(size_t, fwrite, fwrite, (const void *from, size_t size, size_t count, FILE *file),
	(from, size, count, file), file, full)
FAIL_STREAM(int, fflush, fflush, (FILE * file), (file), file, full)

/* A close that fails has freed the stream; what it had not written is lost. */
EXPORTED int fclose(FILE *file)
{
	if (!fails("fclose", CALLER))
		return BEHIND(fclose)(file);
	int fd = fileno(file), before = fcntl(fd, F_GETFL), error = errno;
	if (before >= 0 && (before & O_ACCMODE) != O_RDONLY)
		dup2(full, fd);
	BEHIND(fclose)(file);
	errno = error;
	return EOF;
}

/* Names. */
FAIL(int, rename, (const char *from, const char *to), (from, to), -1)
FAIL(int, renameat, (int from_folder, const char *from, int to_folder, const char *to),
	(from_folder, from, to_folder, to), -1)
FAIL(int, renameat2, (int from_folder, const char *from, int to_folder, const char *to, unsigned flags),
	(from_folder, from, to_folder, to, flags), -1)
FAIL(int, unlink, (const char *path), (path), -1)
FAIL(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags), -1)
FAIL(int, mkdir, (const char *path, mode_t mode), (path, mode), -1)
FAIL(char *, mkdtemp, (char *path), (path), NULL)
FAIL(char *, realpath, (const char *path, char *resolved), (path, resolved), NULL)
FAIL_AS(char *, __realpath_chk, realpath, (const char *path, char *resolved, size_t room),
	(path, resolved, room), NULL)
