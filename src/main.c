/* tailrace: see cli/cli.h for its commands. The embedded ClickHouse is this program too, executed again. */
#include <string.h>
#include "cli/cli.h"
#include "warehouse/warehouse.h"

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], WAREHOUSE_CHILD) == 0)
		return warehouse_child_main(argc, argv);
	return cli_main(argc, argv);
}
