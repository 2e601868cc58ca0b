/*
 * inet, cidr and macaddr. In binary (network_send): family, bits of the netmask, whether it is a
 * cidr, bytes of the address, the address.
 */
#include "formats/pgtype/forms.h"

#define FAMILY_INET  2 /* PGSQL_AF_INET */
#define FAMILY_INET6 3

static void print_ipv4(const uint8_t *p, struct buf *out)
{
	buf_printf(out, "%u.%u.%u.%u", p[0], p[1], p[2], p[3]);
}

struct zeros {
	int from, len;
};

/* The longest run of zero words, the first of several; one word alone is not worth the colons. */
static struct zeros longest_zeros(const uint8_t *p)
{
	struct zeros best = {-1, 1}, run = {0, 0};

	for (int i = 0; i < 8; i++) {
		if (pg_load16(p + 2 * i)) {
			run.len = 0;
			continue;
		}
		if (!run.len++)
			run.from = i;
		if (run.len > best.len)
			best = run;
	}
	return best;
}

/* Addresses that hold an IPv4 one end in its form: "::1.2.3.4", "::ffff:1.2.3.4". */
static bool ends_in_ipv4(const uint8_t *p, struct zeros zeros)
{
	return zeros.from == 0 &&
	       (zeros.len == 6 || (zeros.len == 5 && pg_load16(p + 10) == 0xffff));
}

static void print_ipv6(const uint8_t *p, struct buf *out)
{
	struct zeros zeros = longest_zeros(p);
	int words = ends_in_ipv4(p, zeros) ? 6 : 8;

	for (int i = 0; i < words; i++) {
		if (zeros.from >= 0 && i >= zeros.from && i < zeros.from + zeros.len) {
			if (i == zeros.from)
				buf_u8(out, ':');
			continue;
		}
		if (i)
			buf_u8(out, ':');
		buf_printf(out, "%x", pg_load16(p + 2 * i));
	}
	if (words == 6) {
		buf_u8(out, ':');
		print_ipv4(p + 12, out);
	} else if (zeros.from >= 0 && zeros.from + zeros.len == 8) {
		buf_u8(out, ':');
	}
}

bool pg_render_inet(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len < 4 || (data[0] != FAMILY_INET && data[0] != FAMILY_INET6))
		return pg_bad_binary(c, err);
	unsigned bits = data[1], bytes = data[0] == FAMILY_INET ? 4 : 16;
	bool cidr = data[2];
	if (data[3] != bytes || len != 4 + bytes || bits > bytes * 8)
		return pg_bad_binary(c, err);
	if (bytes == 4)
		print_ipv4(data + 4, out);
	else
		print_ipv6(data + 4, out);
	if (cidr || bits != bytes * 8)
		buf_printf(out, "/%u", bits);
	return true;
}

/* Six bytes, or eight. */
bool pg_render_macaddr(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len != 6 && len != 8)
		return pg_bad_binary(c, err);
	for (size_t i = 0; i < len; i++)
		buf_printf(out, i ? ":%02x" : "%02x", data[i]);
	return true;
}
