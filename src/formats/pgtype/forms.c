/*
 * The built-in types, one line each: what a value becomes and which functions read it. A type whose
 * binary form says less than its text (regclass and its like send an oid, text a name) has no
 * functions, and is read as text.
 */
#include "formats/pgtype/forms.h"

#define TEXT(oid, name, array, category)                                                           \
	{                                                                                          \
		oid, name, array, category, 0, TYPE_STRING, pg_render_text, pg_decode_string, NULL \
	}
#define RENDERED(oid, name, array, category, render)                           \
	{                                                                      \
		oid, name, array, category, 0, TYPE_STRING, render, NULL, NULL \
	}
#define UNREADABLE(oid, name, array, category)                               \
	{                                                                    \
		oid, name, array, category, 0, TYPE_STRING, NULL, NULL, NULL \
	}
#define RANGE(oid, name, array, subtype)                                      \
	{                                                                     \
		oid, name, array, 'R', subtype, TYPE_STRING, NULL, NULL, NULL \
	}

/* clang-format off */
static const struct pg_form forms[] = {
	{16, "bool", 1000, 'B', 0, TYPE_BOOL, pg_render_bool, pg_bool_binary, pg_bool_text},
	{17, "bytea", 1001, 'U', 0, TYPE_STRING, pg_render_bytea, pg_decode_string, pg_bytea_text},
	{18, "char", 1002, 'Z', 0, TYPE_STRING, pg_render_char, NULL, pg_char_text},
	TEXT(19, "name", 1003, 'S'),
	{20, "int8", 1016, 'N', 0, TYPE_INT64, pg_render_int8, pg_int8_binary, pg_int8_text},
	{21, "int2", 1005, 'N', 0, TYPE_INT16, pg_render_int2, pg_int2_binary, pg_int2_text},
	RENDERED(22, "int2vector", 1006, 'A', pg_render_vector),
	{23, "int4", 1007, 'N', 0, TYPE_INT32, pg_render_int4, pg_int4_binary, pg_int4_text},
	UNREADABLE(24, "regproc", 1008, 'N'),
	TEXT(25, "text", 1009, 'S'),
	{26, "oid", 1028, 'N', 0, TYPE_UINT32, pg_render_oid, pg_oid_binary, pg_oid_text},
	RENDERED(27, "tid", 1010, 'U', pg_render_tid),
	{28, "xid", 1011, 'U', 0, TYPE_UINT32, pg_render_oid, pg_oid_binary, pg_oid_text},
	{29, "cid", 1012, 'U', 0, TYPE_UINT32, pg_render_oid, pg_oid_binary, pg_oid_text},
	RENDERED(30, "oidvector", 1013, 'A', pg_render_vector),
	TEXT(114, "json", 199, 'U'),
	TEXT(142, "xml", 143, 'U'),
	{600, "point", 1017, 'G', 0, TYPE_POINT, pg_render_point, pg_point_binary, pg_point_text},
	RENDERED(601, "lseg", 1018, 'G', pg_render_lseg),
	RENDERED(602, "path", 1019, 'G', pg_render_path),
	RENDERED(603, "box", 1020, 'G', pg_render_box),
	RENDERED(604, "polygon", 1027, 'G', pg_render_polygon),
	RENDERED(628, "line", 629, 'G', pg_render_line),
	RENDERED(650, "cidr", 651, 'I', pg_render_inet),
	{700, "float4", 1021, 'N', 0, TYPE_FLOAT32,
		pg_render_float4, pg_float4_binary, pg_float4_text},
	{701, "float8", 1022, 'N', 0, TYPE_FLOAT64,
		pg_render_float8, pg_int8_binary, pg_float8_text},
	RENDERED(718, "circle", 719, 'G', pg_render_circle),
	RENDERED(774, "macaddr8", 775, 'U', pg_render_macaddr),
	{790, "money", 791, 'N', 0, TYPE_DECIMAL, pg_render_money, pg_money_binary, pg_money_text},
	RENDERED(829, "macaddr", 1040, 'U', pg_render_macaddr),
	RENDERED(869, "inet", 1041, 'I', pg_render_inet),
	UNREADABLE(1033, "aclitem", 1034, 'U'),
	TEXT(1042, "bpchar", 1014, 'S'),
	TEXT(1043, "varchar", 1015, 'S'),
	{1082, "date", 1182, 'D', 0, TYPE_DATE, pg_render_date, pg_date_binary, pg_date_text},
	RENDERED(1083, "time", 1183, 'D', pg_render_time),
	{1114, "timestamp", 1115, 'D', 0, TYPE_TIMESTAMP,
		pg_render_timestamp, pg_timestamp_binary, pg_timestamp_text},
	{1184, "timestamptz", 1185, 'D', 0, TYPE_TIMESTAMPTZ,
		pg_render_timestamptz, pg_timestamp_binary, pg_timestamp_text},
	RENDERED(1186, "interval", 1187, 'T', pg_render_interval),
	RENDERED(1266, "timetz", 1270, 'D', pg_render_timetz),
	RENDERED(1560, "bit", 1561, 'V', pg_render_bit),
	RENDERED(1562, "varbit", 1563, 'V', pg_render_bit),
	{1700, "numeric", 1231, 'N', 0, TYPE_STRING, pg_render_numeric, NULL, NULL},
	TEXT(1790, "refcursor", 2201, 'U'),
	UNREADABLE(2202, "regprocedure", 2207, 'N'),
	UNREADABLE(2203, "regoper", 2208, 'N'),
	UNREADABLE(2204, "regoperator", 2209, 'N'),
	UNREADABLE(2205, "regclass", 2210, 'N'),
	UNREADABLE(2206, "regtype", 2211, 'N'),
	{2950, "uuid", 2951, 'U', 0, TYPE_UUID, pg_render_uuid, pg_uuid_binary, pg_uuid_text},
	RENDERED(2970, "txid_snapshot", 2949, 'U', pg_render_snapshot),
	{3220, "pg_lsn", 3221, 'U', 0, TYPE_UINT64, pg_render_lsn, pg_int8_binary, pg_lsn_text},
	RENDERED(3614, "tsvector", 3643, 'U', pg_render_tsvector),
	RENDERED(3615, "tsquery", 3645, 'U', pg_render_tsquery),
	UNREADABLE(3642, "gtsvector", 3644, 'U'),
	UNREADABLE(3734, "regconfig", 3735, 'N'),
	UNREADABLE(3769, "regdictionary", 3770, 'N'),
	RENDERED(3802, "jsonb", 3807, 'U', pg_render_versioned),
	RANGE(3904, "int4range", 3905, 23),
	RANGE(3906, "numrange", 3907, 1700),
	RANGE(3908, "tsrange", 3909, 1114),
	RANGE(3910, "tstzrange", 3911, 1184),
	RANGE(3912, "daterange", 3913, 1082),
	RANGE(3926, "int8range", 3927, 20),
	RENDERED(4072, "jsonpath", 4073, 'U', pg_render_versioned),
	UNREADABLE(4089, "regnamespace", 4090, 'N'),
	UNREADABLE(4096, "regrole", 4097, 'N'),
	UNREADABLE(4191, "regcollation", 4192, 'N'),
	RANGE(4451, "int4multirange", 6150, 3904),
	RANGE(4532, "nummultirange", 6151, 3906),
	RANGE(4533, "tsmultirange", 6152, 3908),
	RANGE(4534, "tstzmultirange", 6153, 3910),
	RANGE(4535, "datemultirange", 6155, 3912),
	RANGE(4536, "int8multirange", 6157, 3926),
	RENDERED(5038, "pg_snapshot", 5039, 'U', pg_render_snapshot),
	{5069, "xid8", 271, 'U', 0, TYPE_UINT64, pg_render_xid8, pg_int8_binary, pg_xid8_text},
};

/* Of extensions: their oids differ from database to database. */
static const struct pg_form named[] = {
	TEXT(0, "citext", 0, 'S'),
	{0, "hstore", 0, 'U', 0, TYPE_MAP, pg_render_hstore, pg_hstore_binary, pg_hstore_text},
};
/* clang-format on */

const struct pg_form *pg_form_all(size_t *n)
{
	*n = COUNT_OF(forms);
	return forms;
}

const struct pg_form *pg_form_find(uint32_t oid)
{
	for (size_t i = 0; i < COUNT_OF(forms); i++)
		if (forms[i].oid == oid)
			return &forms[i];
	return NULL;
}

const struct pg_form *pg_form_named(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(named); i++)
		if (!strcmp(named[i].name, name))
			return &named[i];
	return NULL;
}
