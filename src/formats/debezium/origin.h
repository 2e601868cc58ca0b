/* The place of an event in its source's log: the envelope's `source`, and what an envelope is made of. */
#ifndef FORMATS_DEBEZIUM_ORIGIN_H
#define FORMATS_DEBEZIUM_ORIGIN_H

#include "formats/connect/connect.h"
#include "formats/debezium/debezium.h"
#include "formats/debezium/names.h"

enum envelope_field { ENVELOPE_BEFORE, ENVELOPE_AFTER, ENVELOPE_SOURCE, ENVELOPE_OP };
void envelope_names(struct names *, struct arena *);

void source_names(struct names *, struct arena *);
/* The struct has begun. Of Debezium's PostgreSQL, MySQL and MariaDB connectors a position comes of it. */
MUST_CHECK bool source_read(
	struct names *, struct connect_reader *, struct debezium_source *out, struct error *);

#endif
