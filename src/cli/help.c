/* Help for people at the terminal, and the man page: both from the commands' own structs. */
#include "cli/cli.h"

#include <string.h>

static const char about[] =
	"tailrace mirrors PostgreSQL live into ClickHouse: a copy of every table and each\n"
	"change since, in one process, with a ClickHouse of its own if you have none.\n";

static const char beginning[] =
	"A first time:\n"
	"  tailrace init postgresql://user@host/db   write tailrace.yaml for that database\n"
	"  tailrace check                            what is missing, and what mends it\n"
	"  tailrace run                              mirror, until stopped\n";

/* Of every command. */
static const struct {
	const char *usage, *help;
} common_flags[] = {
	{"-c, --config FILE", "the configuration (default tailrace.yaml)"},
	{"-h, --help", "what the command does and takes"},
};

static const char exit_codes[] =
	"0 done, 1 failed (or differences found), 2 wrong use or configuration";

void show_overview(FILE *out)
{
	fprintf(out, "%s\nUsage: tailrace [-c FILE] COMMAND ...\n\n", about);
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out, "\n%s\n`tailrace help COMMAND` says more. Exit codes: %s.\n", beginning,
		exit_codes);
}

static void print_flag(const char *usage, const char *help, FILE *out)
{
	fprintf(out, "  %-18s  %s\n", usage, help);
}

/* "--format F", "-s, --select SELECTOR" */
static char *flag_usage(const struct flag *f)
{
	char letter[] = {'-', f->argument, ',', ' ', '\0'};

	return xasprintf("%s--%s%s%s", f->argument ? letter : "", f->name, f->value ? " " : "",
		f->value ? f->value : "");
}

void show_command(const struct command *c, FILE *out)
{
	fprintf(out, "tailrace %s: %s\n\nUsage: tailrace %s%s%s%s\n\n%s\nOptions:\n", c->name,
		c->summary, c->name, c->flags ? " [OPTION...]" : "", *c->args ? " " : "", c->args,
		c->help);
	for (const struct flag *f = c->flags; f && f->name; f++) {
		CLEANUP(free_string) char *usage = flag_usage(f);
		print_flag(usage, f->help, out);
	}
	for (size_t i = 0; i < COUNT_OF(common_flags); i++)
		print_flag(common_flags[i].usage, common_flags[i].help, out);
}

/* --- the man page --- */

/* Text in roff: a leading dot or quote would be a request, a minus a hyphen. */
static void roff_text(const char *text, FILE *out)
{
	bool line_begins = true;
	for (; *text; text++) {
		if (line_begins && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		if (*text == '-')
			fputs("\\-", out);
		else if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
		line_begins = *text == '\n';
	}
}

/* Paragraphs apart; indented lines as they are. */
static void roff_paragraphs(const char *text, FILE *out)
{
	bool verbatim = false;
	while (*text) {
		size_t len = strcspn(text, "\n");
		CLEANUP(free_string) char *line = xasprintf("%.*s\n", (int)len, text);
		if (verbatim != (*line == ' ')) {
			verbatim = !verbatim;
			fputs(verbatim ? ".EX\n" : ".EE\n", out);
		}
		if (len)
			roff_text(line, out);
		else
			fputs(".PP\n", out);
		text += len + (text[len] == '\n');
	}
	if (verbatim)
		fputs(".EE\n", out);
}

static void roff_flag(const char *usage, const char *help, FILE *out)
{
	fputs(".TP\n.B ", out);
	roff_text(usage, out);
	fputc('\n', out);
	roff_text(help, out);
	fputc('\n', out);
}

static void roff_command(const struct command *c, FILE *out)
{
	fputs(".SS ", out);
	CLEANUP(free_string) char *title = xasprintf("tailrace %s %s\n", c->name, c->args);
	roff_text(title, out);
	roff_paragraphs(c->help, out);
	for (const struct flag *f = c->flags; f && f->name; f++) {
		CLEANUP(free_string) char *usage = flag_usage(f);
		roff_flag(usage, f->help, out);
	}
}

static void roff_option(const struct option *o, FILE *out)
{
	fprintf(out, ".TP\n.B %s\n", o->name);
	roff_text(o->help, out);
	if (o->fallback) {
		CLEANUP(free_string) char *fallback = xasprintf(" Default: %s.", o->fallback);
		roff_text(fallback, out);
	}
	fputc('\n', out);
}

static void roff_options(const char *title, const struct option *table, FILE *out)
{
	fprintf(out, ".SS %s\n", title);
	struct option_walk w = option_walk(table);
	for (const struct option *o; (o = option_next(&w));)
		roff_option(o, out);
}

static void roff_configuration(FILE *out)
{
	fputs(".SH CONFIGURATION\n", out);
	roff_paragraphs("A YAML file of connections, streams between them, and the server of "
			"this process.\n"
			"`tailrace init` writes a first one; `tailrace reference` prints its "
			"reference.\n",
		out);
	for (size_t i = 0; source_kinds[i]; i++) {
		CLEANUP(free_string)
		char *title = xasprintf("connection, kind: %s (source)", source_kinds[i]->kind);
		roff_options(title, source_kinds[i]->options, out);
	}
	for (size_t i = 0; sink_kinds[i]; i++) {
		CLEANUP(free_string)
		char *title = xasprintf("connection, kind: %s (sink)", sink_kinds[i]->kind);
		roff_options(title, sink_kinds[i]->options, out);
	}
	roff_options("stream", stream_option_table, out);
	roff_options("table", table_option_table, out);
	roff_options("server", server_option_table, out);
}

void show_man(FILE *out)
{
	fputs(".TH TAILRACE 1 \"\" \"tailrace " TAILRACE_VERSION "\" \"User Commands\"\n"
	      ".SH NAME\n"
	      "tailrace \\- mirrors PostgreSQL live into ClickHouse\n"
	      ".SH SYNOPSIS\n"
	      ".B tailrace\n"
	      "[\\fB\\-c\\fR \\fIFILE\\fR] \\fICOMMAND\\fR ...\n"
	      ".SH DESCRIPTION\n",
		out);
	roff_paragraphs(about, out);
	fputs(".PP\n", out);
	roff_paragraphs(beginning, out);
	fputs(".SH OPTIONS\n", out);
	for (size_t i = 0; i < COUNT_OF(common_flags); i++)
		roff_flag(common_flags[i].usage, common_flags[i].help, out);
	fputs(".SH COMMANDS\n", out);
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			roff_command(commands[i], out);
	roff_configuration(out);
	fputs(".SH FILES\n"
	      ".TP\n"
	      ".B tailrace.yaml\n"
	      "The configuration.\n"
	      ".TP\n"
	      ".B .tailrace\n"
	      "Beside it: positions, ledgers of copies, and the data of the embedded "
	      "ClickHouse.\n"
	      ".SH ENVIRONMENT\n"
	      ".TP\n"
	      ".B NO_COLOR\n"
	      "Anything in it turns colours off.\n"
	      ".SH EXIT STATUS\n",
		out);
	fprintf(out, "%s.\n", exit_codes);
}
