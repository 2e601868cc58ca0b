/* The report of a comparison, for people and as JSON; see verify.h. */
#include <inttypes.h>
#include "base/json.h"
#include "base/text.h"
#include "verify/verify.h"

#define MOST_ASIDES_PRINTED 3

static const char *const verdicts[] = {
	[VERDICT_EQUAL] = "equal",
	[VERDICT_DIFFERENT] = "different",
	[VERDICT_INCOMPLETE] = "incomplete",
};
static const char *const kinds[] = {
	[VERIFY_MISSING] = "missing",
	[VERIFY_EXTRA] = "extra",
	[VERIFY_DIFFERENT] = "different",
};

void verify_release(struct verify_report *report)
{
	vec_each (&report->tables, t) {
		vec_release(&t->differences);
		vec_release(&t->asides);
	}
	vec_release(&report->tables);
	arena_release(&report->arena);
}

/* --- For people --- */

static uint64_t differences(const struct verify_table *t)
{
	return t->missing + t->extra + t->different;
}

static void print_difference(const struct verify_difference *d, struct buf *out)
{
	static const char *const words[] = {
		[VERIFY_MISSING] = "missing in the target",
		[VERIFY_EXTRA] = "only in the target",
		[VERIFY_DIFFERENT] = "different in",
	};

	buf_printf(out, "    %s  %s", d->key, words[d->kind]);
	for (const char *const *name = d->columns; name && *name; name++)
		buf_printf(out, "%s %s", name == d->columns ? "" : ",", *name);
	buf_puts(out, "\n");
}

static void print_counts(const struct verify_table *t, struct buf *out)
{
	buf_printf(out, "%" PRIu64 " row%s", t->rows, plural(t->rows));
	if (differences(t))
		buf_printf(out, ", %" PRIu64 " missing, %" PRIu64 " extra, %" PRIu64 " different",
			t->missing, t->extra, t->different);
	else if (!t->not_verified)
		buf_puts(out, t->unsettled ? ", no difference" : ", equal");
	if (t->set_aside)
		buf_printf(out, ", %" PRIu64 " set aside", t->set_aside);
	if (t->unsettled)
		buf_printf(out,
			", %" PRIu64 " not settled (they changed each time they were looked at)",
			t->unsettled);
}

/* A few: they tend to be of one kind, and all of them are in the target's table of rows set aside. */
static void print_asides(const struct verify_table *t, struct buf *out)
{
	size_t n = t->asides.len < MOST_ASIDES_PRINTED ? t->asides.len : MOST_ASIDES_PRINTED;

	for (const struct verify_aside *a = t->asides.items; n && a < t->asides.items + n; a++)
		buf_printf(out, "    %s  set aside: %s: %s\n", a->key, a->column, a->reason);
	if (n < t->set_aside)
		buf_printf(out, "    and %" PRIu64 " more set aside\n", t->set_aside - n);
}

static void print_table(const struct verify_table *t, struct buf *out)
{
	buf_printf(out, "%s: %s%s  ", t->stream, t->name, t->history ? " (history)" : "");
	if (t->not_verified)
		buf_printf(out, "not verified: %s%s", t->not_verified, t->rows ? "; " : "");
	if (!t->not_verified || t->rows)
		print_counts(t, out);
	buf_puts(out, "\n");
	if (t->note)
		buf_printf(out, "    %s\n", t->note);
	vec_each (&t->differences, d)
		print_difference(d, out);
	if (t->differences.len < differences(t))
		buf_printf(out, "    and %" PRIu64 " more\n", differences(t) - t->differences.len);
	print_asides(t, out);
}

void verify_print(const struct verify_report *report, struct buf *out)
{
	uint64_t rows = 0, differing = 0;
	size_t tables = 0;

	vec_each (&report->tables, t) {
		print_table(t, out);
		rows += t->rows;
		differing += differences(t);
		tables += !t->not_verified;
	}
	buf_printf(out, "%" PRIu64 " row%s of %zu table%s compared: ", rows, plural(rows), tables,
		plural(tables));
	switch (report->verdict) {
	case VERDICT_EQUAL:
		buf_printf(out, "source and target are equal%s\n",
			report->sample ? " in this sample" : "");
		break;
	case VERDICT_DIFFERENT:
		buf_printf(out, "%" PRIu64 " row%s\n", differing,
			differing == 1 ? " differs" : "s differ");
		break;
	case VERDICT_INCOMPLETE:
		buf_puts(out, "nothing differs, but not everything could be compared\n");
		break;
	}
}

/* --- JSON --- */

static void put_difference(const struct verify_difference *d, struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_text(out, "kind", kinds[d->kind]);
	json_put_raw(out, "key", d->key);
	json_put_open(out, "columns", '[');
	for (const char *const *name = d->columns; name && *name; name++)
		json_put_text(out, NULL, *name);
	buf_puts(out, "]}");
}

static void put_aside(const struct verify_aside *a, struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_raw(out, "key", a->key);
	json_put_text(out, "column", a->column);
	json_put_text(out, "reason", a->reason);
	buf_puts(out, "}");
}

static void put_table(const struct verify_table *t, struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_text(out, "stream", t->stream);
	json_put_text(out, "table", t->name);
	json_put_text(out, "target", t->target);
	json_put_uint(out, "rows", t->rows);
	json_put_uint(out, "missing", t->missing);
	json_put_uint(out, "extra", t->extra);
	json_put_uint(out, "different", t->different);
	json_put_uint(out, "set_aside", t->set_aside);
	json_put_uint(out, "unsettled", t->unsettled);
	json_put_decimal(out, "seconds", t->seconds);
	json_put_text(out, "not_verified", t->not_verified);
	json_put_text(out, "note", t->note);
	json_put_open(out, "differences", '[');
	vec_each (&t->differences, d)
		put_difference(d, out);
	buf_puts(out, "]");
	json_put_open(out, "asides", '[');
	vec_each (&t->asides, a)
		put_aside(a, out);
	buf_puts(out, "]}");
}

void verify_json(const struct verify_report *report, struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_text(out, "verdict", verdicts[report->verdict]);
	json_put_key(out, "sample");
	if (report->sample)
		buf_printf(out, "%g", report->sample);
	else
		buf_puts(out, "null");
	json_put_open(out, "tables", '[');
	vec_each (&report->tables, t)
		put_table(t, out);
	buf_puts(out, "]}");
}
