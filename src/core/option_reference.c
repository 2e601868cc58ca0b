/* The reference page of an option table, in Markdown; see option.h. */
#include "core/option.h"

#include <stdio.h>
#include "core/units.h"

static const char *const kind_names[] = {
	[OPTION_STRING] = "text",
	[OPTION_SECRET] = "secret",
	[OPTION_INT] = "number",
	[OPTION_BYTES] = "size",
	[OPTION_DURATION] = "duration",
	[OPTION_BOOL] = "true or false",
	[OPTION_CHOICE] = "choice",
};

/* A | would end the cell. */
static void print_cell(const char *text, struct buf *out)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_u8(out, '\\');
		buf_u8(out, (uint8_t)*text);
	}
}

static void print_amount(enum option_kind kind, int64_t amount, struct buf *out)
{
	char text[32];

	if (kind == OPTION_BYTES)
		bytes_print(amount, text);
	else if (kind == OPTION_DURATION)
		duration_print(amount, text);
	else
		snprintf(text, sizeof text, "%lld", (long long)amount);
	buf_puts(out, text);
}

static void print_range(const struct option *o, struct buf *out)
{
	for (size_t i = 0; o->kind == OPTION_CHOICE && o->choices[i]; i++) {
		buf_puts(out, i ? ", `" : "`");
		buf_puts(out, o->choices[i]);
		buf_puts(out, "`");
	}
	if (!o->min && !o->max)
		return;
	if (o->max == INT64_MAX)
		buf_puts(out, "at least ");
	print_amount(o->kind, o->min, out);
	if (o->max == INT64_MAX)
		return;
	buf_puts(out, " to ");
	print_amount(o->kind, o->max, out);
}

void option_reference(const struct option *table, struct buf *out)
{
	buf_puts(out, "| Option | Type | Default | Values | What it does |\n| --- | --- | --- | "
		      "--- | --- |\n");
	struct option_walk w = option_walk(table);
	for (const struct option *o; (o = option_next(&w));) {
		buf_printf(out, "| `%s` | %s | ", o->name, kind_names[o->kind]);
		if (o->fallback) {
			buf_puts(out, "`");
			print_cell(o->fallback, out);
			buf_puts(out, "`");
		} else if (o->required) {
			buf_puts(out, "required");
		}
		buf_puts(out, " | ");
		print_range(o, out);
		buf_puts(out, " | ");
		print_cell(o->help, out);
		if (o->kind == OPTION_SECRET)
			buf_printf(
				out, " `%s_file` reads it from the first line of a file.", o->name);
		buf_puts(out, " |\n");
	}
}
