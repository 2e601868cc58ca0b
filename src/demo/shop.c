/* The shop of the demo: everything that it is and does is SQL (shop.sql, shop_work.sql); here it is sent. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "demo/shop.h"

#define LOOK_MS      100
#define MOST_STEPS   50 /* of one transaction, when the rate is high */
#define MOST_DEBT_US 1000000

static const char shop_sql[] =
#include "demo/shop.sql.h"
	;
static const char shop_work_sql[] =
#include "demo/shop_work.sql.h"
	;

static void finish(PGconn **conn)
{
	PQfinish(*conn);
}

static bool failed(PGconn *conn, const char *doing, struct error *err)
{
	const char *text = PQerrorMessage(conn);
	enum error_kind kind = PQstatus(conn) == CONNECTION_OK ? ERROR_CONFIG : ERROR_RETRY;

	return error_set(err, kind, "%s: %.*s", doing, (int)strcspn(text, "\n"), text);
}

static PGconn *connect_to(const char *url, struct error *err)
{
	PGconn *conn = PQconnectdb(url);

	if (PQstatus(conn) == CONNECTION_OK)
		return conn;
	failed(conn, "cannot connect", err);
	PQfinish(conn);
	return NULL;
}

static bool run(PGconn *conn, const char *sql, const char *doing, struct error *err)
{
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);

	PQclear(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || failed(conn, doing, err);
}

/* Is it there? 't', 'f', or 'x': something else stands in its place. */
static bool look_for_shop(PGconn *conn, char *found, struct error *err)
{
	PGresult *result = PQexec(conn,
		"SELECT CASE WHEN obj_description(to_regclass('public.orders'), 'pg_class') = "
		"'tailrace load shop' THEN 't'"
		" WHEN to_regclass('public.orders') IS NULL THEN 'f' ELSE 'x' END");
	bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;

	if (ok)
		*found = *PQgetvalue(result, 0, 0);
	else
		failed(conn, "cannot look for the shop", err);
	PQclear(result);
	return ok;
}

bool shop_create(const char *url, int64_t orders, bool *made, struct error *err)
{
	CLEANUP(finish) PGconn *conn = connect_to(url, err);
	char size[64], found = 'f';

	*made = false;
	if (!conn || !look_for_shop(conn, &found, err))
		return false;
	if (found == 't')
		return true;
	if (found == 'x')
		return error_set(err, ERROR_CONFIG,
			"the table public.orders is not one that tailrace made; make the shop in a "
			"database of its own");
	snprintf(size, sizeof size, "SET tailrace.orders = '%lld'", (long long)orders);
	*made = true;
	return run(conn, "SET client_min_messages = warning", "cannot make the shop", err) &&
	       run(conn, size, "cannot make the shop", err) &&
	       run(conn, shop_sql, "cannot make the shop", err);
}

static void sleep_us(int64_t us)
{
	nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

static bool work(PGconn *conn, int steps, uint64_t *rows, struct error *err)
{
	char sql[96];

	snprintf(sql, sizeof sql, "SELECT sum(pg_temp.work()) FROM generate_series(1, %d)", steps);
	PGresult *result = PQexec(conn, sql);
	bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;
	if (ok)
		*rows = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
	else
		failed(conn, "the shop's work", err);
	PQclear(result);
	return ok;
}

/* As many steps in a transaction as the rate asks for in 20 ms, at about two and a half rows a step. */
static int steps_for(double rate)
{
	double steps = rate / 125;

	return rate <= 0 || steps > MOST_STEPS ? MOST_STEPS : steps < 1 ? 1 : (int)steps;
}

static bool over(const struct shop_work *w, int64_t until_ms)
{
	return (w->stop && atomic_load(w->stop)) || (until_ms && mono_ms() >= until_ms);
}

bool shop_run(struct shop_work *w, struct error *err)
{
	CLEANUP(finish) PGconn *conn = connect_to(w->url, err);
	int64_t until_ms = w->duration_ms ? mono_ms() + w->duration_ms : 0;
	int steps = steps_for(w->rate);
	char seed[64];

	snprintf(seed, sizeof seed, "SELECT setseed(%.6f)", w->seed);
	if (!conn || !run(conn, "SET client_min_messages = warning", "cannot begin to work", err) ||
		!run(conn, shop_work_sql, "cannot begin to work", err) ||
		!run(conn, seed, "cannot begin to work", err))
		return false;
	int64_t due_us = mono_us();
	while (!over(w, until_ms)) {
		int64_t early_us = due_us - mono_us();
		if (early_us > 0) {
			sleep_us(early_us < LOOK_MS * 1000 ? early_us : LOOK_MS * 1000);
			continue;
		}
		/* A server that cannot keep up does not get it all later. */
		if (early_us < -MOST_DEBT_US)
			due_us = mono_us();
		uint64_t rows = 0;
		if (!work(conn, steps, &rows, err))
			return false;
		atomic_fetch_add(&w->rows, rows);
		if (w->rate > 0)
			due_us += (int64_t)((double)(rows ? rows : 1) * 1e6 / w->rate);
	}
	return true;
}
