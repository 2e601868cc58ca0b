/*
 * Reaching what a configuration names, for commands that look and do not mirror: the state store, the embedded
 * ClickHouse, sources and sinks.
 */
#ifndef CLI_ENDS_H
#define CLI_ENDS_H

#include "clients/clickhouse.h"
#include "config/config.h"
#include "state/state.h"

struct ends {
	struct config config;
	struct state *state;
	bool locked;             /* we hold state_lock() */
	struct warehouse *own;   /* the embedded ClickHouse, when we started it ourselves */
	char warehouse_url[512]; /* of the embedded one; "" where none is used */
	struct arena arena;
};

/* Loads the configuration and opens the state store beside it. */
MUST_CHECK bool ends_open(struct ends *e, const char *config_path, struct error *err);

/* The embedded ClickHouse, where the configuration names it: the one of the process that runs, or one of our own
 * until ends_close(); no other process can run meanwhile. */
MUST_CHECK bool ends_warehouse(struct ends *e, struct error *err);

/* Is there no need to start it: it runs, or the configuration does not name it? */
bool ends_warehouse_runs(struct ends *e);

void ends_close(struct ends *e);

/* Opened; source_free() and sink_free() close them. NULL on failure. */
struct source *ends_source(struct ends *e, const struct stream_config *, struct error *err);
struct sink *ends_sink(struct ends *e, const struct connection_config *, struct error *err);
void source_free(struct source *);
void sink_free(struct sink *);

/* A client of a ClickHouse connection; the embedded one is started for it where none runs. The caller frees it. */
struct clickhouse *ends_clickhouse(
	struct ends *e, const struct connection_config *, struct error *err);

bool uses_warehouse(const struct config *);

#endif
