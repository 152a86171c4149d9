/* SPDX-License-Identifier: MIT */
/*
 * Why a list of what is refused, and none of what is allowed: graphics drivers, libraries of windows and the
 * C libraries of four distributions call what no list of ours would foresee, and a picture that stays black
 * helps nobody. All that is refused here can reach another process, another user or the kernel; files are
 * Landlock's. Calls that are newer than this list do not exist, so that it stays complete.
 *
 * Why no libseccomp: the filter is one table and a few comparisons of arguments, and a library more would be
 * loaded at each start.
 */
#include "base/error.h"
#include "sandbox/build.h"
#include "sandbox/sandbox.h"

#include <errno.h>

#if SANDBOX_BUILT

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#else
#define MACHINE AUDIT_ARCH_ARM
#endif

/* process_mrelease of Linux 5.15; since Linux 5.1 a number is the same on all machines. */
#define NEWEST_CALL 448

#define CONSOLE_TYPES 0x541C /* TIOCLINUX of ioctl_console(2): pastes into a console, as TIOCSTI does */

static const unsigned refused[] = {
	/* other programs and processes */
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kcmp,
	SYS_tkill,
	SYS_pidfd_open,
	SYS_pidfd_getfd,
	SYS_pidfd_send_signal,
	SYS_process_madvise,
	SYS_process_mrelease,
	SYS_migrate_pages,
	SYS_move_pages,
	/* parts of the kernel with a history of faults, which pictures do not need */
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_personality,
	SYS_fanotify_init,
	SYS_fanotify_mark,
	/* the system */
	SYS_kexec_load,
	SYS_kexec_file_load,
	SYS_reboot,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_quotactl_fd,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_clock_adjtime,
	SYS_adjtimex,
	SYS_syslog,
	SYS_vhangup,
	/* mounts and namespaces */
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_open_tree,
	SYS_move_mount,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
	SYS_mount_setattr,
	SYS_unshare,
	SYS_setns,
	/* users and rights; Landlock does not limit owner, mode and attributes of files */
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setgroups,
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_capset,
	SYS_fchmodat,
	SYS_fchown,
	SYS_fchownat,
	SYS_mknodat,
	SYS_setxattr,
	SYS_lsetxattr,
	SYS_fsetxattr,
	SYS_removexattr,
	SYS_lremovexattr,
	SYS_fremovexattr,
	SYS_name_to_handle_at,
	SYS_open_by_handle_at,
	SYS_truncate,
	/* to be called from outside */
	SYS_listen,
	SYS_accept4,
#ifdef __x86_64__
	SYS_fork,
	SYS_vfork,
	SYS_accept,
	SYS_chmod,
	SYS_chown,
	SYS_lchown,
	SYS_mknod,
	SYS_iopl,
	SYS_ioperm,
	SYS_modify_ldt,
	SYS_uselib,
#elif defined(__arm__)
	SYS_fork,
	SYS_vfork,
	SYS_accept,
	SYS_chmod,
	SYS_chown,
	SYS_lchown,
	SYS_mknod,
	SYS_uselib,
	SYS_clock_settime64,
	SYS_clock_adjtime64,
	SYS_chown32,
	SYS_fchown32,
	SYS_lchown32,
	SYS_setuid32,
	SYS_setgid32,
	SYS_setreuid32,
	SYS_setregid32,
	SYS_setresuid32,
	SYS_setresgid32,
	SYS_setgroups32,
	SYS_setfsuid32,
	SYS_setfsgid32,
	SYS_truncate64,
#else
	SYS_accept,
#endif
};

/* A filter in the making. */
struct filter {
	unsigned short length;
	struct sock_filter code[sizeof(refused) / sizeof(refused[0]) * 2 + 100];
};

static void add(struct filter *filter, unsigned code, unsigned value, unsigned if_true, unsigned if_false)
{
	filter->code[filter->length++] =
		(struct sock_filter){(uint16_t)code, (uint8_t)if_true, (uint8_t)if_false, value};
}

static void load(struct filter *filter, size_t offset)
{
	add(filter, BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

/* The lower half of an argument; all these machines are little-endian. */
static void load_argument(struct filter *filter, unsigned number)
{
	load(filter, offsetof(struct seccomp_data, args) + 8 * (size_t)number);
}

/* The next instruction if the value compares so (BPF_JEQ …), else `over` instructions further on. */
static void unless_jump(struct filter *filter, unsigned comparison, unsigned value, unsigned over)
{
	add(filter, BPF_JMP | comparison | BPF_K, value, 0, over);
}

static void refuse(struct filter *filter, int error)
{
	add(filter, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error, 0, 0);
}

static void allow(struct filter *filter)
{
	add(filter, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

/* Behind it the number of the call is loaded. */
static void begin(struct filter *filter)
{
	filter->length = 0;
	load(filter, offsetof(struct seccomp_data, arch));
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
	refuse(filter, ENOSYS); /* calls of 32 bits in a program of 64 */
	load(filter, offsetof(struct seccomp_data, nr));
}

/* A signal goes to this process only. */
static void add_signal(struct filter *filter, unsigned call, unsigned process)
{
	unless_jump(filter, BPF_JEQ, call, 4);
	load_argument(filter, 0);
	unless_jump(filter, BPF_JEQ, process, 1);
	allow(filter);
	refuse(filter, EPERM);
}

/* New threads, but no new processes. The flags of clone3 lie in memory; without it the C library uses clone.
 */
static void add_clone(struct filter *filter)
{
	unless_jump(filter, BPF_JEQ, SYS_clone3, 1);
	refuse(filter, ENOSYS);
	unless_jump(filter, BPF_JEQ, SYS_clone, 4);
	load_argument(filter, 0);
	unless_jump(filter, BPF_JSET, CLONE_THREAD, 1);
	allow(filter);
	refuse(filter, EPERM);
}

/* No keys are typed into the terminal, which a shell would take for its user's. */
static void add_ioctl(struct filter *filter)
{
	unless_jump(filter, BPF_JEQ, SYS_ioctl, 6);
	load_argument(filter, 1);
	unless_jump(filter, BPF_JEQ, TIOCSTI, 1);
	refuse(filter, EPERM);
	unless_jump(filter, BPF_JEQ, CONSOLE_TYPES, 1);
	refuse(filter, EPERM);
	allow(filter);
}

/* What a socket that listens already needs. */
static bool accepts(unsigned call)
{
#ifdef SYS_accept
	if (call == SYS_accept)
		return true;
#endif
	return call == SYS_accept4;
}

static void make_calls(struct filter *filter, bool serves)
{
	begin(filter);
#ifdef __arm__
	add(filter, BPF_JMP | BPF_JGE | BPF_K, 0x0f0000, 0, 1); /* the machine's own: set_tls, cacheflush */
	allow(filter);
#endif
	unless_jump(filter, BPF_JGT, NEWEST_CALL, 1);
	refuse(filter, ENOSYS);
	add_clone(filter);
	add_ioctl(filter);
	unsigned process = (unsigned)getpid();
	add_signal(filter, SYS_kill, process);
	add_signal(filter, SYS_tgkill, process);
	add_signal(filter, SYS_rt_sigqueueinfo, process);
	add_signal(filter, SYS_rt_tgsigqueueinfo, process);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (serves && accepts(refused[i]))
			continue;
		unless_jump(filter, BPF_JEQ, refused[i], 1);
		refuse(filter, EPERM);
	}
	allow(filter);
}

static void allow_family(struct filter *filter, unsigned family)
{
	unless_jump(filter, BPF_JEQ, family, 1);
	allow(filter);
}

static void make_sockets(struct filter *filter, unsigned allowed)
{
	begin(filter);
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0);
	allow(filter);
	load_argument(filter, 0);
	if (allowed & SANDBOX_SOCKETS_NETWORK) {
		allow_family(filter, AF_INET);
		allow_family(filter, AF_INET6);
		allow_family(filter, AF_NETLINK); /* which addresses this machine has */
	}
	if (allowed & SANDBOX_SOCKETS_NOTIFY) { /* those of desktops and their services are streams */
		unless_jump(filter, BPF_JEQ, AF_UNIX, 4);
		load_argument(filter, 1);
		add(filter, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0); /* without SOCK_CLOEXEC … */
		unless_jump(filter, BPF_JEQ, SOCK_DGRAM, 1);
		allow(filter);
	}
	refuse(filter, EACCES);
}

/* All threads get it. Without SPEC_ALLOW, kernels before 5.16 would slow all of them down. */
static int enter(const struct filter *filter, bool logged, struct error *e)
{
	const struct sock_fprog program = {filter->length, (struct sock_filter *)filter->code};
	unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
			 (logged ? SECCOMP_FILTER_FLAG_LOG : 0);
	long rc = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

	if (!rc)
		rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (!rc)
		return 0;
	int code = rc < 0 ? -errno : -EBUSY; /* above 0: the thread that has another filter */
	return error_set(e, code, "system calls cannot be limited (seccomp): %s", strerror(-code));
}

int sandbox_calls_enter(bool serves, bool logged, struct error *e)
{
	struct filter filter;

	make_calls(&filter, serves);
	return enter(&filter, logged, e);
}

int sandbox_sockets_enter(unsigned allowed, bool logged, struct error *e)
{
	struct filter filter;

	make_sockets(&filter, allowed);
	return enter(&filter, logged, e);
}

#else

int sandbox_calls_enter(bool serves, bool logged, struct error *e)
{
	(void)serves;
	(void)logged;
	return error_set(e, -ENOSYS, "this build does not limit system calls");
}

int sandbox_sockets_enter(unsigned allowed, bool logged, struct error *e)
{
	(void)allowed;
	return sandbox_calls_enter(false, logged, e);
}

#endif
