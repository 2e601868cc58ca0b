/* The reference page of the configuration, from the same option tables that check it. */
#include "config/config.h"

#include <string.h>
#include "config/read.h"

/* clang-format off */
static const char opening[] =
	"# Configuration\n"
	"\n"
	"`tailrace` reads `tailrace.yaml` in the current folder; `-c FILE` names another.\n"
	"What must survive a restart is kept in the folder `.tailrace` beside the file.\n"
	"`tailrace init postgresql://...` writes a first configuration, and `tailrace check`\n"
	"says what is wrong with one. This page is written by `tailrace reference`.\n"
	"\n"
	"```yaml\n"
	"connections:\n"
	"  shop:\n"
	"    kind: postgres\n"
	"    url: postgresql://tailrace@db.example.com:5432/shop\n"
	"  warehouse:\n"
	"    kind: clickhouse\n"
	"    url: embedded\n"
	"    database: shop\n"
	"streams:\n"
	"  shop:\n"
	"    from: shop\n"
	"    to: warehouse\n"
	"    tables:\n"
	"      - public.*\n"
	"      - \"!public.audit\"\n"
	"      - public.customers:\n"
	"          keep: both\n"
	"          columns: {password: drop, email: hmac, source: {constant: \"shop\"}}\n"
	"server:\n"
	"  listen: 127.0.0.1:8080\n"
	"  hmac_key_file: /run/secrets/hmac\n"
	"```\n"
	"\n"
	"In every value `${NAME}` stands for the environment variable NAME, which must be\n"
	"set; `${NAME:-default}` for the default where it is unset or empty; `$$` for `$`. A\n"
	"secret can be read from the first line of a file: give `NAME_file` with its path,\n"
	"relative to the configuration, in place of `NAME`. Sizes are written as `64MiB`,\n"
	"`1.5 GiB` or `500k`, durations as `100ms`, `5s`, `10min` or `1h`. An unknown key is\n"
	"an error.\n"
	"\n"
	"## connections\n"
	"\n"
	"A name for each database, which streams refer to, with its `kind` and the options of\n"
	"that kind.\n";

static const char streams_text[] =
	"\n"
	"## streams\n"
	"\n"
	"A stream mirrors tables of one connection into another. Its name is part of the\n"
	"replication slot and of the publication. It takes `from` and `to`, names of\n"
	"connections, and `tables`, all three required. A stream from Kafka may name the\n"
	"database that its topics are written from as `verify_with`: `tailrace verify` then\n"
	"compares with that. And these options:\n"
	"\n";

static const char tables_text[] =
	"\n"
	"### tables\n"
	"\n"
	"A list of patterns over `schema.table`, where `*` is any text and `?` any one\n"
	"character. A leading `!` excludes. The last pattern that matches a table decides,\n"
	"its options included. Quote what begins with `*` or `!`: YAML reads them otherwise.\n"
	"Tables made later join when a pattern takes them. A pattern with a colon behind it\n"
	"takes options:\n"
	"\n";

static const char columns_text[] =
	"\n"
	"### columns\n"
	"\n"
	"`columns:` of a table says what is done to values before they leave this process.\n"
	"Columns of the key cannot be under a rule.\n"
	"\n"
	"| Rule | What becomes of the value |\n"
	"| --- | --- |\n"
	"| `drop` | The column is left out. |\n"
	"| `hash` | SHA-256 of its text, in hexadecimal: equal values stay equal, short ones can be guessed. |\n"
	"| `hmac` | HMAC-SHA-256 of its text with the server's `hmac_key`: only who has the key can guess. |\n"
	"| `mask` | Asterisks, but for the last four characters of a text of at least eight. |\n"
	"| `null` | NULL. |\n"
	"| `{constant: \"text\"}` | That text, in every row. |\n";
/* clang-format on */

static bool is_sink_too(const struct source_ops *source)
{
	const struct sink_ops *sink = sink_find(source->kind);
	return sink && sink->options != source->options;
}

static void connections(struct buf *out)
{
	for (size_t i = 0; source_kinds[i]; i++) {
		buf_printf(out, "\n### kind: %s (source)\n\n", source_kinds[i]->kind);
		option_reference(source_kinds[i]->options, out);
	}
	for (size_t i = 0; sink_kinds[i]; i++) {
		const struct source_ops *source = source_find(sink_kinds[i]->kind);
		if (source && !is_sink_too(source))
			continue;
		buf_printf(out, "\n### kind: %s (sink)\n\n", sink_kinds[i]->kind);
		option_reference(sink_kinds[i]->options, out);
	}
}

void config_reference(struct buf *out)
{
	buf_puts(out, opening);
	connections(out);
	buf_puts(out, streams_text);
	option_reference(stream_option_table, out);
	buf_puts(out, tables_text);
	option_reference(table_option_table, out);
	buf_puts(out, columns_text);
	buf_puts(out, "\n## server\n\n");
	option_reference(server_option_table, out);
	buf_puts(out, "\n## models\n\nSQL models in dbt's layout: see [models.md](models.md).\n\n");
	option_reference(models_option_table, out);
	buf_puts(out, "\n`limits: {TAG: N}`: at most N steps of models with that tag at once.\n");
	buf_puts(out, "\n## sensors\n\nWhat outside of the project has models built, by names of "
		      "your own: "
		      "see [models.md](models.md#sensors).\n\n");
	option_reference(sensor_option_table, out);
	buf_puts(out, "\n## lineage\n\nWho is told of builds, by events of OpenLineage: see "
		      "[models.md](models.md#openlineage).\n\n");
	option_reference(lineage_option_table, out);
}
