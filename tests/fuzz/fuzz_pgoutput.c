/* Messages of pgoutput: whatever they hold, the parser answers, and what it gives can be read. */
#include "formats/pgoutput/pgoutput.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static volatile uint8_t seen;

static void read_tuple(const struct pgoutput_tuple *tuple)
{
	static const int16_t columns[] = {2, -1, 0, 1};
	struct pgoutput_map map = {columns, 4};
	struct pg_cell cells[3];
	struct error err;

	if (!tuple->data || !pgoutput_cells(tuple, &map, cells, 3, &err))
		return;
	for (int i = 0; i < 3; i++)
		if (cells[i].len)
			seen ^= cells[i].data[cells[i].len - 1];
}

static void read_relation(struct pgoutput_relation rest)
{
	struct pgoutput_column column;

	seen ^= (uint8_t)(strlen(rest.schema) + strlen(rest.name));
	while (pgoutput_next_column(&rest, &column))
		seen ^= (uint8_t)strlen(column.name);
}

static void read_truncate(const struct pgoutput_truncate *truncate)
{
	for (uint32_t i = 0; i < truncate->n_relations; i++)
		seen ^= (uint8_t)pgoutput_truncated(truncate, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pgoutput m;
	struct error err;

	if (!pgoutput_parse(data, len, &m, &err))
		return 0;
	switch (m.kind) {
	case PGOUTPUT_RELATION: read_relation(m.relation); break;
	case PGOUTPUT_INSERT:
	case PGOUTPUT_UPDATE:
	case PGOUTPUT_DELETE:
		read_tuple(&m.change.old);
		read_tuple(&m.change.new);
		break;
	case PGOUTPUT_TRUNCATE: read_truncate(&m.truncate); break;
	case PGOUTPUT_MESSAGE:
		if (m.message.len)
			seen ^= m.message.content[m.message.len - 1];
		break;
	case PGOUTPUT_TYPE: seen ^= (uint8_t)strlen(m.type.name); break;
	case PGOUTPUT_ORIGIN: seen ^= (uint8_t)strlen(m.origin.name); break;
	case PGOUTPUT_BEGIN:
	case PGOUTPUT_COMMIT: break;
	}
	return 0;
}
