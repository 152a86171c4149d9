/* SPDX-License-Identifier: MIT */
/* Networks behind the driver of QNN-MO-PYNQ's design, on the simulated block (simulated_qnn_mo.h). */
#ifndef TEST_SUPPORT_QNN_MO_FIXTURE_H
#define TEST_SUPPORT_QNN_MO_FIXTURE_H

#include "base/error.h"
#include "nn/network.h"
#include "pl/pl.h"
#include "support/simulated_qnn_mo.h"

/* A network behind the PL, all of its layers. */
struct qnn_mo_fixture {
	struct network *network;
	struct pl *pl;
	struct error e;
};

/* Before each test, as its setup for cmocka. */
int qnn_mo_fixture_setup(void **state);

#define QNN_MO_TEST(name) cmocka_unit_test_setup(name, qnn_mo_fixture_setup)

/* Opens the PL, and loads the network. Returns what pl_load returns; fixture->e has its message. */
int qnn_mo_fixture_load(struct qnn_mo_fixture *fixture);

/* Closes the PL, frees the network, and checks that no access broke a rule of the block. */
void qnn_mo_fixture_end(struct qnn_mo_fixture *fixture);

/* Writes random codes to an input buffer. */
void qnn_mo_fixture_fill(struct qnn_mo_fixture *fixture, int buffer);

/* Computes a buffer in the reference and compares it with what the PL computed. */
void qnn_mo_fixture_compare(struct qnn_mo_fixture *fixture, int buffer);

/* Fills a buffer, lets the PL compute it, and compares. */
void qnn_mo_fixture_run(struct qnn_mo_fixture *fixture, int buffer);

/* Returns when the block has had so many calls. */
void qnn_mo_fixture_await(int calls);

/*
 * A network is built in three steps: qnn_mo_network_begin makes one without layers, whose input
 * qnn_mo_network_add finds before the first layer; qnn_mo_network_end gives each layer weights, and
 * thresholds that fit what random codes make. For network_destroy.
 */
struct network *qnn_mo_network_begin(int side, int channels);
struct layer *qnn_mo_network_add(
	struct network *network, enum layer_kind kind, int channels, int kernel, int stride, int groups);
void qnn_mo_network_end(struct network *network);

/* Pads a layer as the design can, one more at the bottom and right where `sum` is odd. */
void qnn_mo_network_pad(struct layer *l, int sum);

/* Two halves, one, and two halves of two convolutions, as in the published network, but small. */
struct network *qnn_mo_network_small(void);

/* Calls of the block for one run of the small network. */
enum { QNN_MO_SMALL_CALLS = 14 };

#endif
