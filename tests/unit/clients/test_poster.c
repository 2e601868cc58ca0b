/* Posting beside everything else: who puts never waits, and what finds no room is dropped and said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "clients/poster.h"

/* Somebody who takes connections and never answers; its address. */
static int silent_peer(char *url, size_t size)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(url, size, "http://127.0.0.1:%d/in", ntohs(at.sin_port));
	return fd;
}

static void what_finds_no_room_is_dropped_and_nobody_waits(void **unused)
{
	char url[64], path[] = "/tmp/tailrace-poster-XXXXXX";
	int peer = silent_peer(url, sizeof url), log = mkstemp(path);
	const struct poster_options options = {.name = "events", .url = url, .max_bytes = 10};
	struct error err = {0};
	struct buf text;

	(void)unused;
	assert_true(log_to_file(path, &err));
	struct poster *p = poster_new(&options);
	int64_t began_ms = mono_ms();
	for (int i = 0; i < 1000; i++)
		poster_put(p, "{\"number\": \"of no use\"}");
	assert_true(mono_ms() - began_ms < 2000);
	poster_free(p, 0);
	assert_true(mono_ms() - began_ms < 6000);
	buf_init(&text, BUF_MAX);
	assert_true(file_read(path, &text, &err));
	assert_non_null(strstr(buf_text(&text), "dropped from now on"));
	assert_non_null(strstr(buf_text(&text), "number=1000"));
	buf_release(&text);
	unlink(path);
	close(log);
	close(peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_finds_no_room_is_dropped_and_nobody_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
