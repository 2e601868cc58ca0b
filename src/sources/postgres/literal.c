/* See literal.h. */
#include "sources/postgres/literal.h"

#include <inttypes.h>
#include "base/clock.h"
#include "base/text.h"

#define OID_BYTEA   17
#define OID_TEXT    25
#define OID_VARCHAR 1043
#define OID_PG_LSN  3220
#define DAY_US      ((int64_t)86400 * 1000000)
#define DEEPEST     32

#define READ(type, c, row)                                                               \
	({                                                                               \
		type value_;                                                             \
		memcpy(&value_, column_fixed((c), (row), sizeof value_), sizeof value_); \
		value_;                                                                  \
	})

static enum pg_key_order order_of(const struct type *carried, uint32_t oid)
{
	if (!type_is_string(carried) || oid == OID_BYTEA)
		return PG_ORDER_NATURAL;
	return oid == OID_TEXT || oid == OID_VARCHAR ? PG_ORDER_BYTES : PG_ORDER_OUTPUT;
}

void pg_key_type(const struct pg_catalog *catalog, uint32_t oid, const struct type *carried,
	struct pg_key_type *out)
{
	const struct pg_type *type = pg_catalog_find(catalog, oid);
	for (int depth = 0; type && type->typtype == 'd' && depth < DEEPEST; depth++)
		type = pg_catalog_find(catalog, type->base);
	*out = (struct pg_key_type){.type = type,
		.carried = *carried,
		.order = order_of(carried, type ? type->oid : 0)};
}

static void print_hex(const uint8_t *bytes, size_t len, struct buf *sql)
{
	buf_puts(sql, "E'\\\\x");
	text_hex(bytes, len, buf_extend(sql, 2 * len));
	buf_puts(sql, "'");
}

static void print_string(
	const struct pg_key_type *key, const struct column *c, size_t row, struct buf *sql)
{
	size_t len;
	const uint8_t *bytes = column_string(c, row, &len);
	if (key->type && key->type->oid == OID_BYTEA) {
		print_hex(bytes, len, sql);
		return;
	}
	/* PostgreSQL's text holds no NUL. */
	CLEANUP(free_string) char *text = xstrndup((const char *)bytes, len);
	pg_quote_literal(sql, text);
}

/* Exact over the whole range, unlike a time given in seconds or as years before Christ. */
static void print_timestamp(int64_t us, const char *type, struct buf *sql)
{
	int64_t days = floor_div(us, DAY_US), rest = us - days * DAY_US;
	buf_printf(sql,
		"(%s '1970-01-01 00:00:00' + interval '%" PRId64 " days %" PRId64 ".%06" PRId64
		" seconds')",
		type, days, rest / 1000000, rest % 1000000);
}

/* What column_print() gives, without the quotes of JSON: digits, NaN, a UUID, true. */
static void print_plain(const struct column *c, size_t row, struct buf *sql)
{
	struct buf json;
	buf_init(&json, BUF_MAX);
	column_print(c, row, &json);
	const char *text = buf_text(&json);
	bool quoted = json.len >= 2 && text[0] == '"';
	buf_printf(sql, "'%.*s'", (int)json.len - 2 * quoted, text + quoted);
	buf_release(&json);
}

static void print_cast(const struct pg_key_type *key, struct buf *sql)
{
	if (!key->type)
		return;
	buf_puts(sql, "::");
	pg_quote_table(sql, key->type->schema, key->type->name);
}

void pg_key_literal(const struct pg_key_type *key, const struct column *c, size_t row, bool ordered,
	struct buf *sql)
{
	switch (key->carried.kind) {
	case TYPE_DATE:
		buf_printf(sql, "(date '1970-01-01' + %" PRId32 ")", READ(int32_t, c, row));
		return;
	case TYPE_TIMESTAMP: print_timestamp(READ(int64_t, c, row), "timestamp", sql); return;
	case TYPE_TIMESTAMPTZ: print_timestamp(READ(int64_t, c, row), "timestamptz", sql); return;
	case TYPE_STRING:
	case TYPE_SYMBOL:
	case TYPE_JSON:
		print_string(key, c, row, sql);
		if (ordered && key->order != PG_ORDER_NATURAL)
			buf_puts(sql, "::text");
		else
			print_cast(key, sql);
		return;
	case TYPE_UINT64:
		if (key->type && key->type->oid == OID_PG_LSN) {
			char lsn[PG_LSN_TEXT];
			pg_lsn_print(READ(uint64_t, c, row), lsn);
			buf_printf(sql, "'%s'", lsn);
		} else {
			print_plain(c, row, sql);
		}
		print_cast(key, sql);
		return;
	case TYPE_BOOL:
	case TYPE_INT16:
	case TYPE_INT32:
	case TYPE_INT64:
	case TYPE_UINT32:
	case TYPE_FLOAT32:
	case TYPE_FLOAT64:
	case TYPE_DECIMAL:
	case TYPE_UUID:
		print_plain(c, row, sql);
		print_cast(key, sql);
		return;
	case TYPE_POINT:
	case TYPE_ARRAY:
	case TYPE_MAP: break;
	}
	/* No key: see check_key() in relation.c. */
	buf_puts(sql, "NULL");
}
