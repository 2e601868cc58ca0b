/*
 * Templates against what Jinja2 made of them: the cases of tests/golden/template, recorded by
 * record.py there. Given files, compares those instead (fuzz.py writes such).
 */
#include <ctype.h>
#define GOLDEN "tests/golden/template/"
#include "../formats/golden.h"
#include "models/template/template.h"
#include "template_host.h"

/* The parts of a case; s NULL: it has none of that name. */
struct part {
	const char *s;
	size_t len;
};
struct a_case {
	struct part name, source, context, output, error, ours;
};

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* A part ends before the newline in front of the next line that begins with four # or -. */
static struct part take_part(const char **at)
{
	const char *start = *at, *end = start;

	while (*end && !starts(end, "\n#### ") && !starts(end, "\n---- "))
		end++;
	*at = *end ? end + 1 : end;
	if (!*end && end > start)
		end--; /* the newline at the end of the file */
	return (struct part){start, (size_t)(end - start)};
}

static struct part take_line(const char **at)
{
	const char *start = *at;

	*at += strcspn(start, "\n");
	struct part line = {start, (size_t)(*at - start)};
	*at += **at == '\n';
	return line;
}

/* "---- output" and its part; an empty one has no line of its own. */
static struct part take_body(const char **at)
{
	if (starts(*at, "#### ") || starts(*at, "---- "))
		return (struct part){*at, 0};
	return take_part(at);
}

static bool next_case(const char **at, struct a_case *c)
{
	*c = (struct a_case){0};
	while (**at && !starts(*at, "#### "))
		take_line(at);
	if (!**at)
		return false;
	*at += 5;
	c->name = take_line(at);
	c->source = take_body(at);
	while (starts(*at, "---- ")) {
		const char *head = *at + 5;
		struct part line = take_line(at);
		if (starts(head, "context"))
			c->context = take_body(at);
		else if (starts(head, "output"))
			c->output = take_body(at);
		else if (starts(head, "ours"))
			c->ours = take_body(at);
		else
			c->error = (struct part){head, (size_t)(line.s + line.len - head)};
	}
	return true;
}

static void shown(const char *what, const char *s, size_t len)
{
	print_error("  %s: %.*s\n", what, (int)len, s);
}

/* "error LINE CLASS: message" against "case:LINE:COLUMN: message". What Python itself says of
 * wrong types is its own way of speaking; what Jinja2 says is ours as well. */
static bool error_matches(const struct a_case *c, const char *text)
{
	const char *line = c->error.s + strlen("error "), *class = strchr(line, ' ') + 1;
	const char *message = strstr(class, ": ") + 2;
	size_t len = (size_t)(c->error.s + c->error.len - message);

	long at = strtol(line, NULL, 10); /* 0: anywhere */
	if (at && at != strtol(text + strlen("case:"), NULL, 10))
		return false;
	if (!starts(class, "Undefined") && !starts(class, "Template"))
		return true;
	return memmem(text, strlen(text), message, len);
}

static bool check(const struct a_case *c)
{
	struct error err = {0};
	struct test_host host;
	struct buf out;

	test_host_init(&host, c->context.s, c->context.len);
	buf_init(&out, BUF_MAX);
	struct template *t = template_parse("case", c->source.s, c->source.len, &err);
	bool ok = t && template_render(t, &host.host, NULL, &out, &err), right;
	const char *text = ok ? buf_text(&out) : err.text;
	size_t len = ok ? out.len : strlen(text);
	if (c->ours.s && !ok)
		right = memmem(text, len, c->ours.s, c->ours.len);
	else if (c->ours.s || c->output.s)
		right = ok && len == (c->ours.s ? c->ours : c->output).len &&
			!memcmp(text, (c->ours.s ? c->ours : c->output).s, len);
	else
		right = !ok && c->error.s && error_matches(c, text);
	if (!right) {
		shown("case", c->name.s, c->name.len);
		shown("template", c->source.s, c->source.len);
		shown("jinja2", c->error.s ? c->error.s : c->output.s,
			c->error.s ? c->error.len : c->output.len);
		shown(ok ? "ours" : "our error", text, len);
	}
	buf_release(&out);
	template_free(t);
	test_host_release(&host);
	return right;
}

static void compare(const char *text, const char *file)
{
	struct a_case c;
	int cases = 0, wrong = 0;

	while (next_case(&text, &c)) {
		cases++;
		wrong += !check(&c);
	}
	print_message("# %s: %d cases\n", file, cases);
	if (wrong || !cases)
		fail_msg("%s: %d of %d cases differ from the record", file, wrong, cases);
}

static void compare_golden(void **state)
{
	const char *file = *state;
	struct buf text;

	golden_read(file, &text);
	compare(buf_text(&text), file);
	buf_release(&text);
}

static void compare_given(void **state)
{
	FILE *file = fopen(*state, "rb");
	struct buf text;
	size_t n;

	if (!file)
		fail_msg("cannot open %s", (const char *)*state);
	buf_init(&text, BUF_MAX);
	while ((n = fread(buf_extend(&text, 65536), 1, 65536, file)) == 65536)
		;
	text.len -= 65536 - n;
	fclose(file);
	compare(buf_text(&text), *state);
	buf_release(&text);
}

int main(int argc, char **argv)
{
	static const char *const files[] = {"whitespace.cases", "expressions.cases",
		"statements.cases", "macros.cases", "filters.cases", "tests.cases", "methods.cases",
		"numbers.cases", "formats.cases", "errors.cases", "dbt.cases"};
	struct CMUnitTest tests[COUNT_OF(files)];
	struct CMUnitTest given[] = {{.name = "given", .test_func = compare_given}};

	if (argc > 1) {
		given[0].initial_state = argv[1];
		return cmocka_run_group_tests(given, NULL, NULL);
	}
	for (size_t i = 0; i < COUNT_OF(files); i++)
		tests[i] = (struct CMUnitTest){.name = files[i],
			.test_func = compare_golden,
			.initial_state = (void *)files[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
