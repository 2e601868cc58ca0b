/*
 * Structured logs on stderr, or in a file: logfmt by default, JSON lines by option. One call is one line, written
 * at once. Fields are typed, so that quoting is in one place:
 *	log_info("table copied", F("stream", name), F("rows", rows));
 * Never a password, never the values of a row. Any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
	const char *key;
	enum { LOG_FIELD_STRING, LOG_FIELD_INT, LOG_FIELD_DOUBLE } kind;
	union {
		const char *s;
		int64_t i;
		double d;
	};
};

static inline struct log_field log_string(const char *key, const char *s)
{
	return (struct log_field){.key = key, .kind = LOG_FIELD_STRING, .s = s};
}
static inline struct log_field log_int(const char *key, int64_t i)
{
	return (struct log_field){.key = key, .kind = LOG_FIELD_INT, .i = i};
}
static inline struct log_field log_double(const char *key, double d)
{
	return (struct log_field){.key = key, .kind = LOG_FIELD_DOUBLE, .d = d};
}

#define F(key, value) \
	_Generic((value),                                                                          \
		char *: log_string,                                                                \
		const char *: log_string,                                                          \
		float: log_double,                                                                 \
		double: log_double,                                                                \
		default: log_int)(key, value)

void log_setup(enum log_level least, enum log_format format);
/* From now on lines are added to that file instead, made when missing, for as long as the process
 * lives: a command that draws on the terminal calls it before there is another thread. */
MUST_CHECK bool log_to_file(const char *path, struct error *err);
enum log_level log_least(void);
void log_write(enum log_level, const char *message, const struct log_field *fields, size_t n);

#define LOG_FIELDS(...)                             \
	(struct log_field[]){{0}, __VA_ARGS__} + 1, \
		sizeof((struct log_field[]){{0}, __VA_ARGS__}) / sizeof(struct log_field) - 1
#define log_debug(message, ...) log_write(LOG_DEBUG, message, LOG_FIELDS(__VA_ARGS__))
#define log_info(message, ...)  log_write(LOG_INFO, message, LOG_FIELDS(__VA_ARGS__))
#define log_warn(message, ...)  log_write(LOG_WARN, message, LOG_FIELDS(__VA_ARGS__))
#define log_error(message, ...) log_write(LOG_ERROR, message, LOG_FIELDS(__VA_ARGS__))

#endif
