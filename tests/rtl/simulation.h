/* SPDX-License-Identifier: MIT */
/* The Verilated overlay with its bus: registers, a stream in, a stream out, clock by clock. */
#ifndef RTL_SIMULATION_H
#define RTL_SIMULATION_H

#include "model.h"

#include <cstdint>
#include <deque>
#include <vector>

struct beat {
	uint64_t data;
	bool last;
};

class simulation
{
      public:
	simulation();
	~simulation();
	simulation(const simulation &) = delete;
	simulation &operator=(const simulation &) = delete;

	void write(uint32_t address, uint32_t value);
	uint32_t read(uint32_t address);
	void tick(unsigned cycles = 1);
	void reset_by_register();

	/* A transfer goes out beat by beat, with TLAST on its last. */
	void send(const std::vector<uint64_t> &transfer);

	/* Runs until a result (or a failure) has come, its TLAST included. False: not within `cycles`. */
	bool receive(std::vector<uint64_t> *result, uint64_t cycles);

	std::deque<beat> to_send;
	std::vector<uint64_t> received; /* of the result that is coming */
	std::deque<std::vector<uint64_t>> results;
	uint64_t cycles() const;
	bool interrupt() const;

	/* Of 256 cycles, those in which the sender has nothing, the receiver takes nothing. */
	unsigned send_gaps = 0, receive_gaps = 0;
	bool receiver_stuck = false, sender_stuck = false;

      private:
	struct model *model;
	bool offering = false; /* a beat that is offered stays until it is taken */
	uint32_t state = 1;
	unsigned chance();
	static void drive(void *context, struct model_streams *streams);
	static void take(void *context, const struct model_streams *streams);
};

#endif
