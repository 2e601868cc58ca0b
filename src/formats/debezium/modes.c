/* The options of an envelope: Debezium's names and values, with underscores for dots; see debezium.h. */
#include "formats/debezium/debezium.h"

static const char *const envelopes[] = {
	[ENVELOPE_DEBEZIUM] = "debezium", [ENVELOPE_FLAT] = "flat", NULL};
static const char *const decimals[] = {[DECIMAL_PRECISE] = "precise",
	[DECIMAL_AS_STRING] = "string",
	[DECIMAL_AS_DOUBLE] = "double",
	NULL};
static const char *const times[] = {[TIME_ADAPTIVE] = "adaptive",
	[TIME_ADAPTIVE_MICROSECONDS] = "adaptive_time_microseconds",
	[TIME_CONNECT] = "connect",
	[TIME_MICROSECONDS] = "microseconds",
	[TIME_NANOSECONDS] = "nanoseconds",
	[TIME_ISOSTRING] = "isostring",
	NULL};
static const char *const binaries[] = {[BINARY_BYTES] = "bytes",
	[BINARY_BASE64] = "base64",
	[BINARY_BASE64_URL] = "base64-url-safe",
	[BINARY_HEX] = "hex",
	NULL};
static const char *const intervals[] = {
	[INTERVAL_NUMERIC] = "numeric", [INTERVAL_STRING] = "string", NULL};
static const char *const hstores[] = {[HSTORE_JSON] = "json", [HSTORE_MAP] = "map", NULL};

#define CHOICE(name_, member, fallback_, choices_, help_)                                 \
	{                                                                                 \
		.name = name_, .kind = OPTION_CHOICE,                                     \
		.offset = offsetof(struct debezium_modes, member), .fallback = fallback_, \
		.choices = choices_, .help = help_                                        \
	}

const struct option debezium_option_table[] = {
	CHOICE("envelope", envelope, "debezium", envelopes,
		"`debezium`: before, after, source, op; `flat`: the row's columns and `__deleted`, "
		"`__op`, "
		"`__source_ts_ms`, `__source_lsn`, as Debezium's ExtractNewRecordState makes "
		"them."),
	CHOICE("decimal_handling_mode", decimal, "precise", decimals,
		"numeric and money: `precise` bytes (Connect's Decimal), `string`, or `double`, "
		"which "
		"rounds."),
	CHOICE("time_precision_mode", time, "adaptive", times,
		"date, time and timestamp: `adaptive` to the column's precision, always "
		"`microseconds` or "
		"`nanoseconds`, `connect`'s own types, which hold milliseconds, or `isostring`."),
	CHOICE("binary_handling_mode", binary, "bytes", binaries,
		"bytea: `bytes`, or a string in one of the encodings."),
	CHOICE("interval_handling_mode", interval, "numeric", intervals,
		"interval: `numeric` microseconds, a month being 30.4375 days, or an ISO 8601 "
		"`string`, "
		"which is exact."),
	CHOICE("hstore_handling_mode", hstore, "json", hstores,
		"hstore: a string of `json`, or a `map`."),
	{.name = "unavailable_value_placeholder",
		.kind = OPTION_STRING,
		.offset = offsetof(struct debezium_modes, unavailable),
		.fallback = "__debezium_unavailable_value",
		.help = "Stands for a value that PostgreSQL did not send, because it is stored out "
			"of line "
			"and has not changed."},
	OPTION_END,
};
