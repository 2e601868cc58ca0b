/*
 * Where an embedded ClickHouse lives: its folder with the configuration in it, its address, and the
 * library it comes from. All of it is settled before the child starts, so that what can be wrong with it
 * is said in our words.
 */
#ifndef WAREHOUSE_PLACE_H
#define WAREHOUSE_PLACE_H

#include "warehouse/warehouse.h"

struct place {
	char *dir;     /* absolute */
	char *library; /* libchdb.so */
	char *listen;
	char *url;
	int http_port, tcp_port;
	bool any_port; /* a port was left to us: another one may be tried */
};

/* Makes the folder, writes the configuration, finds the library, picks ports. On failure all is released. */
MUST_CHECK bool place_init(struct place *, const struct warehouse_options *, struct error *err);
void place_release(struct place *);

/* Free ports in the place of those that were left to us; taken ones of the others are an error. */
MUST_CHECK bool place_pick_ports(
	struct place *, const struct warehouse_options *, struct error *err);

/* Does /ping answer? */
bool place_ping(const struct place *);

#endif
