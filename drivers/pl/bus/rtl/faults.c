/* SPDX-License-Identifier: MIT */
#include "pl/bus/rtl/faults.h"

#include <pthread.h>
#include <stdatomic.h>

/* `active` is read in every clock, from the simulation's thread, while a test injects from its own. */
static struct fault_plan {
	atomic_bool active;
	bool waiting; /* for `transfers` to pass */
	bool hit;     /* a transfer has met it */
	unsigned transfers;
	unsigned count;
	enum rtl_fault_end until;
} plans[RTL_FAULTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void activate(struct fault_plan *plan)
{
	plan->waiting = false;
	plan->count++;
	atomic_store(&plan->active, true);
}

void rtl_inject(enum rtl_fault fault, unsigned transfers, enum rtl_fault_end until)
{
	struct fault_plan *plan = &plans[fault];

	pthread_mutex_lock(&lock);
	plan->transfers = transfers;
	plan->until = until;
	plan->hit = false;
	plan->waiting = transfers > 0;
	atomic_store(&plan->active, false);
	if (!plan->waiting)
		activate(plan);
	pthread_mutex_unlock(&lock);
}

void rtl_clear_faults(void)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < RTL_FAULTS; i++) {
		atomic_store(&plans[i].active, false);
		plans[i].waiting = false;
		plans[i].count = 0;
	}
	pthread_mutex_unlock(&lock);
}

unsigned rtl_fault_count(enum rtl_fault fault)
{
	pthread_mutex_lock(&lock);
	unsigned count = plans[fault].count;
	pthread_mutex_unlock(&lock);
	return count;
}

bool faults_active(enum rtl_fault fault)
{
	return atomic_load_explicit(&plans[fault].active, memory_order_relaxed);
}

void faults_transfer(void)
{
	pthread_mutex_lock(&lock);
	for (struct fault_plan *plan = plans; plan < plans + RTL_FAULTS; plan++) {
		if (plan->waiting && plan->transfers-- == 0)
			activate(plan);
		else if (plan->hit && plan->until == RTL_UNTIL_TRANSFER)
			atomic_store(&plan->active, false);
		plan->hit = atomic_load(&plan->active);
	}
	pthread_mutex_unlock(&lock);
}

static void end(enum rtl_fault_end strongest)
{
	pthread_mutex_lock(&lock);
	for (struct fault_plan *plan = plans; plan < plans + RTL_FAULTS; plan++)
		if (plan->until <= strongest)
			atomic_store(&plan->active, false);
	pthread_mutex_unlock(&lock);
}

void faults_reset(void)
{
	end(RTL_UNTIL_RESET);
}

bool faults_program(void)
{
	struct fault_plan *failure = &plans[RTL_PROGRAM_FAILS];

	if (!faults_active(RTL_PROGRAM_FAILS)) {
		end(RTL_UNTIL_PROGRAM);
		return true;
	}
	if (failure->until == RTL_UNTIL_TRANSFER)
		atomic_store(&failure->active, false);
	return false;
}
