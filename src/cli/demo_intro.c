/* What the demo tells once, above its table, where it can be selected and copied: questions and addresses. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/demo.h"
#include "warehouse/warehouse.h"

/* Each is pasted between double quotes of a shell: nothing in it may mean something there. */
static const struct {
	const char *question, *sql;
} questions[] = {
	{"What did each part of the shop earn, day by day, in the last two weeks?",
		"    SELECT toDate(o.placed_at) AS day, uniqExact(o.id) AS orders,\n"
		"      sumIf(i.quantity * i.unit_price, c.path[1] = 'Home') AS home,\n"
		"      sumIf(i.quantity * i.unit_price, c.path[1] = 'Garden') AS garden,\n"
		"      sumIf(i.quantity * i.unit_price, c.path[1] = 'Outdoor') AS outdoor,\n"
		"      sumIf(i.quantity * i.unit_price, c.path[1] = 'Books') AS books\n"
		"    FROM orders AS o JOIN order_items AS i ON i.order_id = o.id\n"
		"    JOIN products AS p ON p.id = i.product_id\n"
		"    JOIN categories AS c ON c.id = p.category_id\n"
		"    WHERE o.placed_at >= today() - 13 AND o.status NOT IN ('cancelled', "
		"'returned')\n"
		"    GROUP BY day ORDER BY day"},
	{"Who are the ten best customers, and how much of it do they send back?",
		"    SELECT c.name, c.tier, count() AS orders, sum(o.total) AS spent,\n"
		"      max(o.placed_at) AS last_order,\n"
		"      round(100 * countIf(o.status = 'returned') / count(), 1) AS "
		"returned_percent\n"
		"    FROM orders AS o JOIN customers AS c ON c.id = o.customer_id\n"
		"    WHERE o.status != 'cancelled'\n"
		"    GROUP BY c.id, c.name, c.tier ORDER BY spent DESC LIMIT 10"},
	{"How do people pay, how often does it fail, and what came in these last minutes?",
		"    SELECT method, count() AS payments, sumIf(amount, status = 'paid') AS paid,\n"
		"      round(100 * paid / sum(paid) OVER (), 1) AS share_percent,\n"
		"      round(100 * countIf(status = 'failed') / count(), 1) AS failed_percent,\n"
		"      countIf(paid_at > now() - INTERVAL 5 MINUTE) AS last_five_minutes\n"
		"    FROM payments GROUP BY method ORDER BY paid DESC"},
};

static void tell_questions(void)
{
	char folder[4096];

	printf("%sThree questions%s, to be pasted into another terminal", colour(BOLD),
		colour(PLAIN));
	if (getcwd(folder, sizeof folder)) {
		fputs(" in ", stdout);
		put_plain(folder, stdout);
	}
	puts(":\n");
	for (size_t i = 0; i < COUNT_OF(questions); i++)
		printf("  %s# %s%s\n  %s -c " DEMO_CONFIG " query \"\n%s\"\n\n", colour(GREEN),
			questions[i].question, colour(PLAIN), program_invocation_name,
			questions[i].sql);
}

static void tell_models(void)
{
	static const char *const asks[] = {"query 'SELECT * FROM mart.q_top_sellers'",
		"query 'SELECT * FROM mart.q_total_sales'", "plan", "runs", "why fact_sales"};

	printf("%sA star schema%s stands on them, in the database mart, its SQL in " DEMO_FOLDER
	       "/models:\n\n",
		colour(BOLD), colour(PLAIN));
	for (size_t i = 0; i < COUNT_OF(asks); i++)
		printf("  %s -c " DEMO_CONFIG " %s\n", program_invocation_name, asks[i]);
	putchar('\n');
}

static void tell_address(const char *who, const char *fmt, ...) PRINTF(2, 3);

static void tell_address(const char *who, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("  %-26s ", who);
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
}

void demo_tell(const struct parts *parts, const struct cluster *cluster)
{
	int http = warehouse_http_port(parts->ends.own), tcp = warehouse_tcp_port(parts->ends.own);

	putchar('\n');
	tell_questions();
	tell_models();
	printf("%sPoint clients at%s ClickHouse: user default, no password, database shop\n\n",
		colour(BOLD), colour(PLAIN));
	tell_address("HTTP", "http://127.0.0.1:%d", http);
	tell_address("native TCP", "127.0.0.1:%d", tcp);
	tell_address(
		"Grafana", "server 127.0.0.1, port %d, protocol native; or %d, HTTP", tcp, http);
	tell_address("Superset (SQLAlchemy)", "clickhousedb://default@127.0.0.1:%d/shop", http);
	tell_address("JDBC: DBeaver, Metabase", "jdbc:clickhouse://127.0.0.1:%d/shop", http);
	tell_address("the source", "psql '%s'", cluster_url(cluster));
	if (parts->server)
		tell_address("status, metrics", "http://%s/api/v1/status, /metrics, /readyz",
			server_address(parts->server));
	tell_address("log", DEMO_LOG);
	putchar('\n');
	fflush(stdout);
}
