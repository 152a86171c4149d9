/* SPDX-License-Identifier: MIT */
/* Whether this build has a sandbox. */
#ifndef SANDBOX_BUILD_H
#define SANDBOX_BUILD_H

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANDBOX_BUILT 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_BUILT 0
#endif

/* The machines whose numbers and arguments of system calls calls.c knows. */
#if !defined(SANDBOX_BUILT) && (defined(__x86_64__) || defined(__aarch64__) || defined(__arm__))
#define SANDBOX_BUILT 1
#endif
#ifndef SANDBOX_BUILT
#define SANDBOX_BUILT 0
#endif

#endif
