/* What the sink makes of answers that are not all there: a server whose disk is full sends less than it
 * says it does, with a status that says nothing. */
#include "../clients/peer.h"
#include "core/sink.h"

#define SUMMARY                                                          \
	"HTTP/1.1 200 OK\r\nX-ClickHouse-Summary: {\"read_rows\":\"1\"," \
	"\"result_rows\":\"1\",\"result_bytes\":\"4352\"}\r\nContent-Length: "

/* Opening a sink asks the server for a row of three columns. */
static void expect_cut_off(const char *answer)
{
	struct peer *p = PEER({answer});
	const struct sink_ops *ops = sink_find("clickhouse");
	struct sink *sink = xcalloc(1, ops->size);
	struct arena arena;
	struct error err = {0};

	arena_init(&arena);
	sink->ops = ops;
	assert_true(option_defaults(ops->options, sink, &arena, &err));
	assert_true(option_set(ops->options, sink, "url", p->url, &arena, &err));
	assert_true(option_set(ops->options, sink, "database", "shop", &arena, &err));
	assert_false(ops->open(sink, &err));
	assert_string_equal(error_kind_name(err.kind), error_kind_name(ERROR_RETRY));
	assert_non_null(strstr(err.text, "sent 0 of the 1 rows of an answer; is there space left"));
	free(sink);
	arena_release(&arena);
	end_peer(p);
}

static void an_answer_that_did_not_come_is_not_taken_for_no_rows(void **state)
{
	(void)state;
	expect_cut_off(SUMMARY "0\r\n\r\n");
}

static void an_answer_that_is_cut_in_a_block_is_tried_again(void **state)
{
	(void)state;
	expect_cut_off(SUMMARY "9\r\n\r\n\003\001\001a\006Stri");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_that_did_not_come_is_not_taken_for_no_rows),
		cmocka_unit_test(an_answer_that_is_cut_in_a_block_is_tried_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
