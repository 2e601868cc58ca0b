/*
 * `tailrace check`: opens both ends of every stream and prints what they and the tables have to say. It changes
 * nothing, and does not stop at the first problem.
 */
#include <string.h>
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/ends.h"
#include "core/filter.h"
#include "pipeline/status.h"

enum { FLAG_JSON };
static const struct flag flags[] = {
	{"json", NULL, "print a JSON document"},
	{0},
};

/* What was found of one stream. */
struct report {
	const struct stream_config *stream;
	struct findings findings;
};
VEC_TYPE(reports, struct report);

static void add_finding(struct findings *findings, int level, const char *what, const char *mend)
{
	struct finding finding = {
		.level = level, .what = arena_strdup(&findings->arena, what), .mend = mend};
	vec_push(&findings->list, finding);
}

static void add_problem(struct findings *findings, const char *what)
{
	add_finding(findings, FINDING_PROBLEM, what, NULL);
}

/* What kept it from going on may be mended by now, but a gap stays one until every table is copied anew. */
static void check_stopped(
	struct ends *ends, struct report *report, const struct stream_state *known)
{
	bool runs = state_runner(ends->state), gap = strstr(known->error, GAP_WAY_OUT);
	bool recopies = gap && report->stream->options.on_gap == ON_GAP_RECOPY;
	CLEANUP(free_string)
	char *what = xasprintf(
		"%s: %s", runs ? "it has stopped" : "it stopped when it last ran", known->error);

	add_finding(&report->findings, (runs || gap) && !recopies ? FINDING_PROBLEM : FINDING_NOTE,
		what,
		recopies ? "the next start copies every table anew"
			 : "mend that, then start tailrace again");
}

static void check_state(struct ends *ends, struct report *report)
{
	const char *name = report->stream->name;
	struct stream_state known;
	struct error err = {0};
	bool found;

	if (!state_stream_get(ends->state, name, &known, &found, &err))
		add_problem(&report->findings, err.text);
	else if (!strcmp(known.status, "stopped"))
		check_stopped(ends, report, &known);
}

/* The row filters are ours to evaluate, so it is for us to say whether they can be. */
static void check_filters(struct findings *findings, const struct tables *tables)
{
	vec_each (tables, it) {
		const struct table *t = *it;
		struct error err = {0};
		if (t->options->where && !t->problem &&
			!filter_compile(t->options->where, t, &findings->arena, &err))
			add_problem(findings, err.text);
	}
}

/* The source's findings; its tables go to `tables`, references of the caller. */
static void check_source(
	struct source *source, struct report *report, struct tables *tables, struct error *err)
{
	if (!source || !source->ops->check(source, &report->findings, err) ||
		!source->ops->discover(source, tables, err))
		add_problem(&report->findings, err->text);
	else
		check_filters(&report->findings, tables);
}

static void check_sink(struct ends *ends, struct report *report, const struct source *source,
	const struct tables *tables)
{
	struct error err = {0};
	bool embedded = connection_is_embedded(report->stream->to);
	struct sink *sink = NULL;
	if (!embedded || ends_warehouse(ends, &err))
		sink = ends_sink(ends, report->stream->to, &err);
	if (sink)
		sink->from = source; /* not before it is open: nobody's place is taken */
	if (!sink || !sink->ops->check(sink, tables->items, tables->len, &report->findings, &err))
		add_problem(&report->findings, err.text);
	sink_free(sink);
}

static void check_stream(struct ends *ends, struct report *report)
{
	struct tables tables = {0};
	struct error err = {0};
	arena_init(&report->findings.arena);
	check_state(ends, report);
	struct source *source = ends_source(ends, report->stream, &err);
	check_source(source, report, &tables, &err);
	check_sink(ends, report, source, &tables);
	vec_each (&tables, it)
		table_unref(*it);
	vec_release(&tables);
	source_free(source);
}

static size_t count(const struct reports *reports, int level)
{
	size_t n = 0;
	vec_each (reports, report)
		vec_each (&report->findings.list, it)
			n += (int)it->level == level;
	return n;
}

/* --- for people --- */

static void print_finding(const struct finding *f)
{
	static const struct {
		const char *mark;
		enum colour colour;
	} marks[] = {[FINDING_OK] = {"✔", GREEN},
		[FINDING_NOTE] = {"!", YELLOW},
		[FINDING_PROBLEM] = {"✘", RED}};
	printf("  %s%s%s ", colour(marks[f->level].colour), marks[f->level].mark, colour(PLAIN));
	put_plain(f->what, stdout);
	putchar('\n');
	for (const char *line = f->mend; line && *line;) {
		size_t len = strcspn(line, "\n");
		printf("      %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

static void print_text(const struct ends *ends, const struct reports *reports)
{
	vec_each (reports, report) {
		const struct stream_config *s = report->stream;
		printf("%sstream %s%s: %s (%s) to %s (%s)\n", colour(BOLD), s->name, colour(PLAIN),
			s->from->name, s->from->kind, s->to->name, s->to->kind);
		vec_each (&report->findings.list, it)
			print_finding(it);
		putchar('\n');
	}
	size_t problems = count(reports, FINDING_PROBLEM), notes = count(reports, FINDING_NOTE);
	if (problems)
		printf("%zu problem%s, %zu note%s\n", problems, plural(problems), notes,
			plural(notes));
	else
		printf("%s is ready to run, %zu note%s\n", ends->config.path, notes, plural(notes));
}

/* --- for programs --- */

static void put_report(const struct report *report, struct buf *out)
{
	static const char *const levels[] = {
		[FINDING_OK] = "ok", [FINDING_NOTE] = "note", [FINDING_PROBLEM] = "problem"};
	json_put_open(out, NULL, '{');
	json_put_text(out, "name", report->stream->name);
	json_put_text(out, "from", report->stream->from->name);
	json_put_text(out, "to", report->stream->to->name);
	json_put_open(out, "findings", '[');
	vec_each (&report->findings.list, it) {
		json_put_open(out, NULL, '{');
		json_put_text(out, "level", levels[it->level]);
		json_put_text(out, "what", it->what);
		json_put_text(out, "mend", it->mend);
		buf_puts(out, "}");
	}
	buf_puts(out, "]}");
}

static void print_json(const struct reports *reports)
{
	struct buf out;

	buf_init(&out, BUF_MAX);
	json_put_open(&out, NULL, '{');
	json_put_uint(&out, "problems", count(reports, FINDING_PROBLEM));
	json_put_open(&out, "streams", '[');
	vec_each (reports, report)
		put_report(report, &out);
	buf_puts(&out, "]}");
	puts(buf_text(&out));
	buf_release(&out);
}

static int check(const struct call *call)
{
	struct ends ends;
	struct reports reports = {0};
	struct error err = {0};
	if (!ends_open(&ends, call->config_path, &err))
		return failed(&err);
	for (size_t i = 0; i < ends.config.n_streams; i++) {
		struct report report = {.stream = &ends.config.streams[i]};
		check_stream(&ends, &report);
		vec_push(&reports, report);
	}
	if (call->flags[FLAG_JSON])
		print_json(&reports);
	else
		print_text(&ends, &reports);
	int code = count(&reports, FINDING_PROBLEM) ? FAILED : DONE;
	vec_each (&reports, report) {
		vec_release(&report->findings.list);
		arena_release(&report->findings.arena);
	}
	vec_release(&reports);
	ends_close(&ends);
	return code;
}

const struct command check_command = {
	.name = "check",
	.args = "",
	.summary = "say what is missing before a run, and what mends it",
	.help = "Reads the configuration, reaches both ends of every stream, and prints what\n"
		"it finds: settings, rights, slots, tables without a key, types without a\n"
		"match, names that collide, why a stream stopped. A problem keeps a stream or a\n"
		"table from being mirrored and comes with what mends it. Nothing is changed.\n"
		"Ends with 0 when there is no problem.\n",
	.flags = flags,
	.run = check,
};
