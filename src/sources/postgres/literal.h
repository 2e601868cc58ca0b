/* Key values, as a batch carries them, back to SQL literals of the key's own type. */
#ifndef SOURCES_POSTGRES_LITERAL_H
#define SOURCES_POSTGRES_LITERAL_H

#include "sources/postgres/postgres.h"

/* How rows are brought into the order of column_compare(). */
enum pg_key_order {
	PG_ORDER_NATURAL, /* the type's own */
	PG_ORDER_BYTES,   /* of text: COLLATE "C" */
	PG_ORDER_OUTPUT, /* of the text form, which concat() gives: what other types are carried as */
};

struct pg_key_type {
	const struct pg_type *type; /* domains resolved; of the catalog */
	enum pg_key_order order;
	struct type carried;
};

void pg_key_type(const struct pg_catalog *, uint32_t oid, const struct type *carried,
	struct pg_key_type *out);

/* Appends a literal that compares like the order above when `ordered`, else one of the type itself. */
void pg_key_literal(const struct pg_key_type *, const struct column *, size_t row, bool ordered,
	struct buf *sql);

#endif
