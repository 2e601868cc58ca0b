/* What a topic's values are made of, and how they get into the columns of a table. */
#ifndef FORMATS_DEBEZIUM_SHAPE_H
#define FORMATS_DEBEZIUM_SHAPE_H

#include "formats/debezium/decode.h"
#include "formats/debezium/names.h"

enum { NO_COLUMN = -1 };

/* A document's fields, and the columns that they go to. */
struct fields {
	const struct connect_schema *schema; /* a struct; NULL: none is known */
	struct names names;
	int *columns;              /* a name each; NO_COLUMN */
	struct decoder **decoders; /* a name each; NULL without a column */
};

enum shape_form { FORM_UNKNOWN, FORM_ENVELOPE, FORM_ROWS };

struct debezium_shape {
	struct arena arena;
	struct debezium_modes modes;
	enum shape_form form;
	bool form_is_sure; /* by a schema; else by the last message */
	struct fields row, key;
	struct names envelope, source; /* as read.c and origin.c number them */
	/* What `row` and `key` are bound to. */
	struct table *table; /* a reference */
	struct arena bound;  /* columns and decoders */
	struct buf aside_key, aside_row;
};

/* Fields that say something of the row, beside its columns: of envelopes that were made flat. */
enum row_word { WORD_NONE, WORD_DELETED, WORD_OP, WORD_TIME, WORD_LSN };
enum row_word shape_word(const char *name);

void shape_bind(struct debezium_shape *, struct table *);

#endif
