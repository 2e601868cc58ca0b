/*
 * Change events as Debezium writes them: key and value of a row of a table, in Connect's data model, so in
 * any encoding that has a connect_writer or a connect_reader. Names and meanings are those of Debezium's
 * PostgreSQL and MySQL connectors (their documentation, "Data change events", "Data type mappings").
 *
 * Writing: debezium_table is made once of each definition of a table and is immutable, for any number of
 * threads. Reading: debezium_shape is made once of each schema of a topic's values.
 */
#ifndef FORMATS_DEBEZIUM_DEBEZIUM_H
#define FORMATS_DEBEZIUM_DEBEZIUM_H

#include "core/batch.h"
#include "core/option.h"
#include "formats/connect/connect.h"

enum debezium_envelope { ENVELOPE_DEBEZIUM, ENVELOPE_FLAT };
enum debezium_decimal { DECIMAL_PRECISE, DECIMAL_AS_STRING, DECIMAL_AS_DOUBLE };
enum debezium_time {
	TIME_ADAPTIVE,
	TIME_ADAPTIVE_MICROSECONDS,
	TIME_CONNECT,
	TIME_MICROSECONDS,
	TIME_NANOSECONDS,
	TIME_ISOSTRING
};
enum debezium_binary { BINARY_BYTES, BINARY_BASE64, BINARY_BASE64_URL, BINARY_HEX };
enum debezium_interval { INTERVAL_NUMERIC, INTERVAL_STRING };
enum debezium_hstore { HSTORE_JSON, HSTORE_MAP };

/* Option names with underscores for Debezium's dots: decimal_handling_mode, time_precision_mode ... */
struct debezium_modes {
	int envelope, decimal, time, binary, interval, hstore; /* the enums above */
	const char *
		unavailable; /* stands for a value that PostgreSQL did not send: __debezium_unavailable_value */
};
extern const struct option debezium_option_table[]; /* of struct debezium_modes */

/* What `source` says of where the rows come from; the same for a whole topic set. */
struct debezium_origin {
	const char *connector; /* "postgresql" */
	const char *prefix;    /* "name": the topic prefix */
	const char *database;
};

/* What the name of a topic cannot hold, and so that of a schema, becomes _, one for each of Java's characters. */
char *debezium_sanitized(char *name);

struct debezium_table;
struct debezium_table *debezium_table_new(
	const struct table *, const struct debezium_origin *, const struct debezium_modes *);
void debezium_table_free(struct debezium_table *);
const struct connect_schema *debezium_key_schema(const struct debezium_table *); /* NULL: no key */
const struct connect_schema *debezium_value_schema(const struct debezium_table *);

/* The transaction that an event is of, and its place there: among all events, and among those of its table. */
struct debezium_transaction {
	const char *id;
	int64_t total_order, data_collection_order; /* from 1 */
};

/* What stands beside the row in an event. */
struct debezium_event {
	/* Debezium's: c u d r; and 'k', which is written as a 'd'. The row that takes the new key, after
	 * a 'k', is a 'c'. */
	char op;
	int64_t ts_us; /* now: ts_ms, ts_us, ts_ns of the event */
	char snapshot; /* 'r' rows: 0 no, 't' true, 'l' last */
	const struct batch
		*before; /* row `row` of it is the old row; NULL: not known (d: the key alone) */
	const struct debezium_transaction *transaction; /* NULL: is not told */
};
/* False, ERROR_DATA: a value that the modes have no form for (a NaN in a numeric, when precise); what the
 * writer was given up to there is to be thrown away. `key`: of a table that has one. */
MUST_CHECK bool debezium_write_key(const struct debezium_table *, const struct batch *, size_t row,
	struct connect_writer *, struct error *);
/* The same as text, as Connect prints it into headers: JSON, but decimals are numbers. */
MUST_CHECK bool debezium_print_key(const struct debezium_table *, const struct batch *, size_t row,
	struct buf *, struct error *);
MUST_CHECK bool debezium_write_value(const struct debezium_table *, const struct batch *,
	size_t row, const struct debezium_event *, struct connect_writer *, struct error *);
/* A truncation: its place is meta's; op and before are not looked at. It has no key; nor has it a flat form. */
void debezium_write_truncate(const struct debezium_table *, const struct row_meta *meta,
	const struct debezium_event *, struct connect_writer *);

/*
 * What a topic's values are made of: an envelope, or plain rows. The definition of the table follows from
 * the schemas (key NULL: its columns from the configuration, or none); where the values carry no schema,
 * from `known`, a table whose columns are looked up by name. The canonical types are those that the
 * PostgreSQL source would have given: io.debezium.time.ZonedTimestamp is TIMESTAMPTZ, and so on.
 */
struct debezium_shape; /* one thread at a time: it learns the order of fields */
/* The schemas outlive the shape. ERROR_DATA: they are not made of fields. */
struct debezium_shape *debezium_shape_new(const struct connect_schema *key,
	const struct connect_schema *value, const struct debezium_modes *, struct error *);
/* `modes`: those that the values were written with; of debezium_shape_new() but `unavailable` counts. */
struct debezium_shape *debezium_shape_known(
	const struct table *known, const struct debezium_modes *);
void debezium_shape_free(struct debezium_shape *);
/*
 * Columns, types and key: of a shape that was made of schemas. Name and schema of the table are the caller's, and
 * out->options, which are looked at; so is the selection, which is applied afterwards.
 */
MUST_CHECK bool debezium_shape_columns(
	const struct debezium_shape *, struct table *out, struct error *);
/* For a column that has no number: a hash of its name; its place, where another column has that hash. */
int debezium_attribute(const struct table *, const char *name);

/* Where an event comes from, as far as its `source` says. */
struct debezium_source {
	char op;             /* c u d r t m; a plain row is 'u' or, when null, 'd' */
	bool has_position;   /* `version` holds the place in the source's log, epoch 0 */
	version_t version;   /* PostgreSQL: sequence; MySQL: binlog file, position, row */
	uint64_t commit_lsn; /* or the source's nearest word for it */
	uint64_t
		place; /* its own in the source's log, where the table's columns change; 0: it does not say */
	int64_t commit_time_us;
	uint32_t xid;
	char schema[64], table[192]; /* MySQL: of the database; "" where the event does not say */
	size_t unknown;              /* fields of the row that the table has no column for */
};

/*
 * Appends what one event says: a row, or a tombstone; a change of the key comes as two events from Debezium.
 * A truncation ('t') appends nothing. meta: op, commit, xid are set from the event, version from it where it
 * has one (the caller's epoch is kept), else left as given by the caller. What the table's columns cannot
 * hold goes to batch_set_aside(), with a tombstone in the place of an update. Readers stand at the beginning of
 * their document. `key` may be NULL; a message without a value is the tombstone that follows a 'd' where events
 * are envelopes: do not pass it; where they are plain rows it is the delete of its key: `value` NULL.
 * False: ERROR_DATA, the message is poison; ERROR_TABLE, on_unrepresentable is stop. The batch is as it was.
 */
MUST_CHECK bool debezium_read(struct debezium_shape *, struct connect_reader *key,
	struct connect_reader *value, struct row_meta *meta, struct debezium_source *seen,
	struct batch *out, struct error *);

#endif
