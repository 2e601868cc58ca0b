/*
 * A column on its way into an event: the schema that Debezium gives it, and the function that writes its
 * values. field.c chooses both, by the canonical type and by what format_type() says; the write_*.c write.
 */
#ifndef FORMATS_DEBEZIUM_FIELD_H
#define FORMATS_DEBEZIUM_FIELD_H

#include "core/batch.h"
#include "formats/connect/connect.h"
#include "formats/debezium/debezium.h"
#include "formats/debezium/source_type.h"

struct field;

/* Writes one value that is not NULL. ERROR_DATA: it has no form. */
typedef bool field_write_fn(const struct field *, const struct column *, size_t row,
	struct connect_writer *, struct error *);

struct field {
	const struct connect_schema *schema;
	field_write_fn *write;
	const struct debezium_modes *modes;
	const struct type *type; /* of the column that values come from */
	/* of an array: of its elements; of a container in JSON text: of the container itself */
	const struct field *element;
	/* JSON of what Debezium writes where a NOT NULL column has no value: the key alone is known */
	const char *absent;
	bool nullable;      /* of the column; a schema may be optional where it is not */
	const char *source; /* of a shape: its name in PostgreSQL */
	int digits;         /* of a ZonedTimestamp's fraction; -1: as many as there are */
	int64_t units_us; /* of an integer of time: how many units are a microsecond; negative: how many
			    * microseconds are a unit */
};

/* All memory from the arena. `nullable`: of the column as the source has it. */
void field_init(
	struct field *, struct arena *, const struct table_column *, const struct debezium_modes *);

/* The column's default as JSON; NULL: none. */
const char *field_default(struct arena *, const struct table_column *, const struct field *);

/* A value, or NULL; of one that is unchanged see below. */
static inline bool field_write(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	if (f->schema->optional) {
		bool present = !column_is_null(c, row);
		w->ops->optional(w, f->schema, present);
		if (!present)
			return true;
	}
	return f->write(f, c, row, w, err);
}
bool field_write_unchanged(const struct field *, struct connect_writer *, struct error *);
/* Where the value is not known: NULL, or `absent`. */
void field_write_absent(const struct field *, struct connect_writer *);
/* What Debezium has for the elements of uuid[]. */
void placeholder_uuid(const char *placeholder, char out[37]);

/* write.c */
field_write_fn write_bool, write_int16, write_int32, write_int64, write_uint32, write_uint64,
	write_float32, write_float64, write_string, write_uuid, write_bytes, write_text_bytes,
	write_bits, write_bit, write_array, write_map, write_map_as_json, write_carried;
/* write_number.c */
field_write_fn write_decimal, write_decimal_as_string, write_decimal_as_double,
	write_variable_decimal, write_numeric_as_double;
/* write_time.c */
field_write_fn write_date, write_iso_date, write_timestamp, write_iso_timestamp,
	write_zoned_timestamp, write_time, write_iso_time, write_zoned_time, write_duration,
	write_interval;
/* write_shape.c */
field_write_fn write_point, write_geometry, write_circle, write_line;

/* field.c: schemas that several have. */
extern const struct connect_schema optional_int32, optional_bytes, optional_string,
	optional_strings;

#endif
