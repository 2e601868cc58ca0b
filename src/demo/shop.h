/*
 * An online shop in PostgreSQL, to try tailrace with: 14 tables of many types with a year of history
 * (shop.sql), and what goes on in it (shop_work.sql): orders, payments, shipments, returns, reviews,
 * corrections of old rows, deletions.
 */
#ifndef DEMO_SHOP_H
#define DEMO_SHOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/attrs.h"
#include "base/error.h"

#define SHOP_ORDERS 100000

/* Makes the shop with so many orders, or, where there is one already, does nothing. All or nothing; *made
 * tells which. ERROR_CONFIG where another table stands in the way. */
MUST_CHECK bool shop_create(const char *url, int64_t orders, bool *made, struct error *err);

struct shop_work {
	const char *url;
	double rate;             /* rows changed a second; 0: as many as one connection can */
	int64_t duration_ms;     /* 0: until stopped */
	double seed;             /* -1 to 1: the same choices again */
	const atomic_bool *stop; /* looked at every 100 ms */
	_Atomic uint64_t rows;   /* changed so far; other threads may read it */
};

/* Works until it is stopped or its time is over. ERROR_RETRY when the connection breaks. */
MUST_CHECK bool shop_run(struct shop_work *, struct error *err);

#endif
