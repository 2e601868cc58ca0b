/* Names of ClickHouse's types on the wire; see native.h. */
#include "formats/native/native.h"

static const char *plain_name(enum type_kind kind)
{
	switch (kind) {
	case TYPE_BOOL: return "Bool";
	case TYPE_INT16: return "Int16";
	case TYPE_INT32: return "Int32";
	case TYPE_INT64: return "Int64";
	case TYPE_UINT32: return "UInt32";
	case TYPE_UINT64: return "UInt64";
	case TYPE_FLOAT32: return "Float32";
	case TYPE_FLOAT64: return "Float64";
	case TYPE_STRING:
	case TYPE_SYMBOL:
	case TYPE_JSON: return "String";
	case TYPE_UUID: return "UUID";
	case TYPE_DATE: return "Date32";
	case TYPE_TIMESTAMP: return "DateTime64(6)";
	case TYPE_TIMESTAMPTZ: return "DateTime64(6, 'UTC')";
	case TYPE_POINT: return "Tuple(Float64, Float64)";
	case TYPE_MAP: return "Map(String, Nullable(String))";
	case TYPE_DECIMAL:
	case TYPE_ARRAY: break;
	}
	return NULL;
}

void native_type_print(const struct type *type, struct buf *out)
{
	if (type->nullable)
		buf_puts(out, "Nullable(");
	if (type->kind == TYPE_ARRAY) {
		buf_puts(out, "Array(");
		native_type_print(type->element, out);
		buf_puts(out, ")");
	} else if (type->kind == TYPE_DECIMAL) {
		buf_printf(out, "Decimal(%u, %u)", type->precision, type->scale);
	} else {
		buf_puts(out, plain_name(type->kind));
	}
	if (type->nullable)
		buf_puts(out, ")");
}
