/* Formatting of errors; see error.h. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return false;
	err->kind = kind;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return false;
}

bool error_add(struct error *err, const char *fmt, ...)
{
	char context[sizeof err->text];
	va_list ap;

	if (!err)
		return false;
	va_start(ap, fmt);
	int n = vsnprintf(context, sizeof context, fmt, ap);
	va_end(ap);
	if (n < 0)
		return false;
	/* What does not fit is cut off at the end. */
	size_t front = strlen(context), room = sizeof err->text - 1;
	size_t shift = front + 2 < room ? front + 2 : room;
	size_t kept = strnlen(err->text, room - shift);
	memmove(err->text + shift, err->text, kept);
	memcpy(err->text, context, shift - 2);
	memcpy(err->text + shift - 2, ": ", 2);
	err->text[shift + kept] = '\0';
	return false;
}

void error_clear(struct error *err)
{
	err->kind = ERROR_NONE;
	err->text[0] = '\0';
}

const char *error_kind_name(enum error_kind kind)
{
	static const char *const names[] = {
		[ERROR_NONE] = "none",
		[ERROR_CONFIG] = "config",
		[ERROR_RETRY] = "retry",
		[ERROR_DATA] = "data",
		[ERROR_TABLE] = "table",
		[ERROR_GAP] = "gap",
		[ERROR_BROKEN] = "broken",
	};
	return names[kind];
}
