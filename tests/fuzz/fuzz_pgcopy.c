/* COPY in binary, in steps that the first byte gives: whatever comes, the reader answers. */
#include "formats/pgcopy/pgcopy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define COLUMNS 3

static volatile uint8_t seen;

static void read_cells(const struct pg_cell *cells)
{
	for (int i = 0; i < COLUMNS; i++)
		if (cells[i].len)
			seen ^= cells[i].data[cells[i].len - 1];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pgcopy copy;
	struct pg_cell cells[COLUMNS];
	struct error err;
	enum pgcopy_status status = PGCOPY_MORE;

	if (!len)
		return 0;
	pgcopy_init(&copy);
	size_t step = data[0] ? data[0] : len;
	for (size_t at = 1; status == PGCOPY_MORE && at < len; at += step) {
		pgcopy_feed(&copy, data + at, len - at < step ? len - at : step);
		while ((status = pgcopy_next(&copy, cells, COLUMNS, &err)) == PGCOPY_ROW)
			read_cells(cells);
	}
	pgcopy_release(&copy);
	return 0;
}
