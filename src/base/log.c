/*
 * Structured logs; see log.h. A line is put together in memory and leaves in one write(), so that
 * lines of several threads, or of a child that shares stderr, do not mix. Colour is for people: on
 * a terminal, and not with NO_COLOR (https://no-color.org).
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

static enum log_level least_level = LOG_INFO;
static enum log_format line_format = LOG_LOGFMT;
static bool coloured;
static int log_fd = STDERR_FILENO;

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARN] = "warn",
	[LOG_ERROR] = "error",
};
static const char *const level_colours[] = {
	[LOG_DEBUG] = "\033[2m",
	[LOG_INFO] = "\033[32m",
	[LOG_WARN] = "\033[33m",
	[LOG_ERROR] = "\033[31m",
};

void log_setup(enum log_level least, enum log_format format)
{
	const char *no_color = getenv("NO_COLOR");

	__atomic_store_n(&least_level, least, __ATOMIC_RELAXED);
	__atomic_store_n(&line_format, format, __ATOMIC_RELAXED);
	bool colour = format == LOG_LOGFMT && isatty(log_fd) && !(no_color && *no_color);
	__atomic_store_n(&coloured, colour, __ATOMIC_RELAXED);
}

bool log_to_file(const char *path, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0)
		return error_set(err, ERROR_CONFIG, "%s: %s", path, strerror(errno));
	if (log_fd != STDERR_FILENO)
		close(log_fd);
	log_fd = fd;
	coloured = false;
	return true;
}

enum log_level log_least(void)
{
	return __atomic_load_n(&least_level, __ATOMIC_RELAXED);
}

/* logfmt takes a bare word as it is; everything else goes in quotes, with JSON's escapes. */
static bool bare_word(const char *s)
{
	if (!*s)
		return false;
	for (const char *p = s; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == '"' || *p == '=' || *p == '\\' || *p == 0x7f)
			return false;
	}
	return utf8_valid(s, strlen(s));
}

static void print_string(const char *s, enum log_format format, struct buf *line)
{
	if (!s)
		buf_puts(line, "null");
	else if (format == LOG_LOGFMT && bare_word(s))
		buf_puts(line, s);
	else
		text_print_json(s, strlen(s), line);
}

static void print_double(double d, enum log_format format, struct buf *line)
{
	if (isfinite(d))
		buf_printf(line, "%.6g", d);
	else
		print_string(isnan(d) ? "nan" : d < 0 ? "-inf" : "inf", format, line);
}

static void print_value(const struct log_field *field, enum log_format format, struct buf *line)
{
	switch (field->kind) {
	case LOG_FIELD_STRING: print_string(field->s, format, line); break;
	case LOG_FIELD_INT: buf_printf(line, "%lld", (long long)field->i); break;
	case LOG_FIELD_DOUBLE: print_double(field->d, format, line); break;
	}
}

static void print_logfmt(
	enum log_level level, const char *time, const char *message, struct buf *line)
{
	bool colour = __atomic_load_n(&coloured, __ATOMIC_RELAXED);

	buf_printf(line, "time=%s level=%s%s%s msg=", time, colour ? level_colours[level] : "",
		level_names[level], colour ? "\033[0m" : "");
	print_string(message, LOG_LOGFMT, line);
}

static void print_json(
	enum log_level level, const char *time, const char *message, struct buf *line)
{
	buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":", time, level_names[level]);
	print_string(message, LOG_JSON, line);
}

static void print_field(const struct log_field *field, enum log_format format, struct buf *line)
{
	if (format == LOG_JSON) {
		buf_u8(line, ',');
		text_print_json(field->key, strlen(field->key), line);
		buf_u8(line, ':');
	} else {
		buf_printf(line, " %s=", field->key);
	}
	print_value(field, format, line);
}

static void write_line(const struct buf *line)
{
	size_t done = 0;

	while (done < line->len) {
		ssize_t n = write(log_fd, line->data + done, line->len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			return; /* nowhere left to say it */
	}
}

void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t n)
{
	if (level < log_least())
		return;
	int errno_before = errno;
	enum log_format format = __atomic_load_n(&line_format, __ATOMIC_RELAXED);
	char time[28];
	struct buf line;

	buf_init(&line, BUF_MAX);
	format_utc(wall_us(), time);
	if (format == LOG_JSON)
		print_json(level, time, message, &line);
	else
		print_logfmt(level, time, message, &line);
	for (size_t i = 0; i < n; i++)
		print_field(&fields[i], format, &line);
	buf_puts(&line, format == LOG_JSON ? "}\n" : "\n");
	write_line(&line);
	buf_release(&line);
	errno = errno_before;
}
