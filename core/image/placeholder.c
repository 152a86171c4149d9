/* SPDX-License-Identifier: MIT */
typedef int nothing_here_yet;
