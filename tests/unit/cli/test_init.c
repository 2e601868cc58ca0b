/* What `tailrace init` writes is a configuration, whatever the tables of a database are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "cli/init.h"
#include "config/config.h"

static struct table *new_table(
	const char *schema, const char *name, const char *const *columns, size_t n_key)
{
	struct table *t = table_new();
	t->schema = arena_strdup(&t->arena, schema);
	t->name = arena_strdup(&t->arena, name);
	while (columns[t->n_columns])
		t->n_columns++;
	t->columns = arena_alloc(&t->arena, t->n_columns * sizeof *t->columns);
	for (size_t i = 0; i < t->n_columns; i++)
		t->columns[i].name = arena_strdup(&t->arena, columns[i]);
	t->key = arena_alloc(&t->arena, sizeof *t->key);
	t->n_key = n_key;
	if (n_key)
		t->columns[0].key = true;
	t->rows_estimate = 1234567;
	t->bytes_estimate = 5 << 20;
	return t;
}

static struct plan new_plan(void)
{
	static const char *const columns[] = {"id", "email", "password\": {", NULL};
	struct plan plan = {.stream = "shop",
		.kind = "postgres",
		.url = "postgresql://h/a$b",
		.target_url = "embedded"};
	vec_push(&plan.tables, new_table("public", "orders", columns, 1));
	vec_push(&plan.tables, new_table("public", "a\nb: c", columns, 0));
	vec_push(&plan.tables, new_table("we\"ird ${X} #*", "x", columns, 1));
	return plan;
}

static void release(struct plan *plan, struct buf *out)
{
	vec_each (&plan->tables, it)
		table_unref(*it);
	vec_release(&plan->tables);
	buf_release(out);
}

static void load(struct buf *text, struct config *config)
{
	char path[] = "/tmp/tailrace-init-XXXXXX";
	struct error err = {0};
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text->data, text->len), text->len);
	close(fd);
	bool ok = config_load(path, config, &err);
	unlink(path);
	if (!ok)
		fail_msg("%s\n%s", err.text, buf_text(text));
}

static void strange_names_come_back_as_they_are(void **unused)
{
	(void)unused;
	struct plan plan = new_plan();
	struct config config;
	struct buf out;
	buf_init(&out, BUF_MAX);
	plan_print(&plan, &out);
	load(&out, &config);
	assert_string_equal(config.connections[0].pairs[0].value, "postgresql://h/a$b");
	const struct selection *selection = &config.streams[0].selection;
	assert_string_equal(config.streams[0].name, "shop");
	assert_int_equal(selection->n_rules, 2);
	assert_string_equal(selection->rules[0].pattern, "public.*");
	assert_string_equal(selection->rules[1].pattern, "we\"ird ${X} #*.*");
	config_release(&config);
	release(&plan, &out);
}

static void tables_are_listed_with_size_and_key(void **unused)
{
	(void)unused;
	struct plan plan = new_plan();
	struct buf out;
	buf_init(&out, BUF_MAX);
	plan_print(&plan, &out);
	const char *text = buf_text(&out);
	assert_non_null(strstr(text, " about 1,234,567 rows, 5.0 MiB, key id\n"));
	assert_non_null(strstr(text, "#   public.a?b: c "));
	assert_non_null(strstr(text, "no key: kept as history, which is NAME_log\n"));
	assert_non_null(strstr(text, "# - public.orders:\n      #     columns: {email: hash, "
				     "\"password\\\": {\": drop}"));
	release(&plan, &out);
}

/* The suggested rules, uncommented, load as well. */
static void suggested_column_rules_load(void **unused)
{
	(void)unused;
	struct plan plan = new_plan();
	struct config config;
	struct buf out, uncommented;
	buf_init(&out, BUF_MAX);
	buf_init(&uncommented, BUF_MAX);
	plan_print(&plan, &out);
	for (const char *line = buf_text(&out); *line;) {
		size_t len = strcspn(line, "\n") + 1;
		bool rule = strncmp(line, "      # - ", 10) == 0 ||
			    strncmp(line, "      #     columns", 19) == 0;
		buf_append(&uncommented, line, rule ? 6 : len);
		if (rule)
			buf_printf(&uncommented, "%.*s", (int)(len - 8), line + 8);
		line += len;
	}
	load(&uncommented, &config);
	const struct selection *selection = &config.streams[0].selection;
	assert_int_equal(selection->n_rules, 5);
	assert_string_equal(selection->rules[2].pattern, "public.orders");
	assert_int_equal(selection->rules[2].n_columns, 2);
	assert_string_equal(selection->rules[2].columns[1].name, "password\": {");
	assert_int_equal(selection->rules[2].columns[1].rule.kind, RULE_DROP);
	config_release(&config);
	buf_release(&uncommented);
	release(&plan, &out);
}

static void passwords_stand_in_files_of_their_own(void **unused)
{
	(void)unused;
	struct plan plan = new_plan();
	struct buf out;
	plan.url = "postgresql://u:geheim@h/shop";
	plan.secret_file = "shop.secret";
	plan.target_url = "https://h:8443/";
	plan.target_user = "me";
	plan.target_password = "geheim";
	plan.target_secret_file = "warehouse.secret";
	buf_init(&out, BUF_MAX);
	plan_print(&plan, &out);
	const char *text = buf_text(&out);
	assert_null(strstr(text, "geheim"));
	assert_non_null(strstr(text, "    url_file: \"shop.secret\""));
	assert_non_null(strstr(text, "    url: \"https://h:8443/\"\n    user: \"me\"\n"
				     "    password_file: \"warehouse.secret\"\n"));
	release(&plan, &out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strange_names_come_back_as_they_are),
		cmocka_unit_test(tables_are_listed_with_size_and_key),
		cmocka_unit_test(suggested_column_rules_load),
		cmocka_unit_test(passwords_stand_in_files_of_their_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
