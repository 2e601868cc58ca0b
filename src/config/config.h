/*
 * The configuration: tailrace.yaml to structs. ${NAME} and ${NAME:-default} come from the environment;
 * every value is checked against an option table; an error names file, line, and the nearest known key.
 * Everything lives in the config's arena until config_free().
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "core/engine.h"
#include "core/sink.h"
#include "core/source.h"

struct connection_config {
	const char *name;
	const char *kind; /* "postgres", "clickhouse", ... */
	int line;
	const struct source_ops *source; /* NULL when the kind cannot be a source */
	const struct sink_ops *sink;     /* NULL when the kind cannot be a sink */
	const struct engine_ops *engine; /* NULL when models cannot be built there */
	/* name and value pairs as written, checked; config_source() and its like fill structs with them */
	struct config_pair {
		const char *name, *value;
		int line;
	} * pairs;
	size_t n_pairs;
};

struct stream_options {
	int64_t copy_connections;  /* 0: one more than there are cores, 4 at most */
	int64_t flush_interval_ms; /* shortest time between two writes of a stream: 100 ms */
	int64_t max_batch_rows;    /* 500,000 */
	int on_gap;                /* enum on_gap */
};
enum on_gap { ON_GAP_STOP, ON_GAP_RECOPY };

struct stream_config {
	const char *name;
	int line;
	struct connection_config *from, *to;
	/* of a stream from a log: the database that the log was written from; NULL: not known */
	struct connection_config *verify_with;
	struct stream_options options;
	struct selection selection;
};

struct server_config {
	const char *listen;   /* "127.0.0.1:8080"; "off": none */
	int log_format;       /* enum log_format */
	int log_level;        /* enum log_level */
	int64_t memory_bytes; /* the budget of all batches and queues: 64 MiB */
	const char *hmac_key; /* secret of the column rule hmac; set where a column has that rule */
};

/* Where external models go that are objects; what is NULL the environment may say. */
struct s3_config {
	const char *endpoint, *region, *access_key_id, *secret_access_key;
};

/* SQL models; docs/models.md. */
struct models_config {
	const char
		*project; /* the folder of dbt_project.yml; without it that of the configuration */

	const char *database; /* that models go into */
	const char *target;   /* target.name in templates */
	/* that they are built in; without it the first that can */
	const char *connection;
	int64_t threads;     /* steps that are built at once */
	bool schedules;      /* something may be built by itself */
	int64_t retries;     /* of a step that failed by what may pass */
	int64_t timeout_ms;  /* of a step; 0: none */
	int64_t keep_runs;   /* in history */
	int64_t keep_for_ms; /* 0: for ever */
	struct s3_config s3;
	struct tag_limit {
		const char *tag;
		int64_t steps; /* with that tag at once */
	} * limits;
	size_t n_limits;
};

/* What outside of the project has models built: one of file, sql and webhook. */
struct sensor_config {
	const char *name;
	int line;
	const char *file; /* path, its last part a pattern */
	const char *sql;
	bool webhook;
	const char *token; /* that who posts must show; NULL: none */
	const char *select;
	int64_t every_ms;
};

/* Who is told of builds. */
struct lineage_config {
	const char *url; /* NULL: nobody */
	const char *endpoint, *api_key, *name_space;
	const char *dataset_namespace; /* NULL: that of the warehouse */
};

struct config {
	struct arena arena;
	const char *path;      /* of the file */
	const char *state_dir; /* ".tailrace" beside it */
	struct connection_config *connections;
	size_t n_connections;
	struct stream_config *streams;
	size_t n_streams;
	struct server_config server;
	struct models_config models;
	struct sensor_config *sensors;
	size_t n_sensors;
	struct lineage_config lineage;
};

/* On failure nothing is left to release. */
MUST_CHECK bool config_load(const char *path, struct config *out, struct error *err);
void config_release(struct config *);

/* A source, sink or engine struct of the connection's kind, options filled, not opened; the caller frees it with free()
 * after close. Its strings live in the arena. */
struct source *config_source(const struct stream_config *, struct arena *, struct error *err);
struct sink *config_sink(const struct connection_config *, struct arena *, struct error *err);
struct engine *config_engine(const struct connection_config *, struct arena *, struct error *err);
/* Is it the ClickHouse that tailrace itself runs (url: embedded)? */
bool connection_is_embedded(const struct connection_config *);
const struct connection_config *config_connection(const struct config *, const char *name);

/* Fills a struct of the caller's with what a connection says of a few of its options; the connector's own
 * defaults hold for what it does not say. */
MUST_CHECK bool connection_options(const struct connection_config *, const struct option *table,
	void *out, struct arena *, struct error *err);

/* The reference page (Markdown) of everything that a configuration may hold, from the option tables. */
void config_reference(struct buf *out);

extern const struct option stream_option_table[], server_option_table[], models_option_table[],
	sensor_option_table[], lineage_option_table[];

#endif
