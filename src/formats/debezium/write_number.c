/* Decimals: of the batch's fixed width, and numerics of any length, which the batch has as text. */
#include <stdlib.h>
#include "formats/debezium/digits.h"
#include "formats/debezium/field.h"

#define WIDEST 32 /* bytes of a decimal */

/* The fewest bytes in network order that hold it. */
bool write_decimal(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	uint8_t bytes[WIDEST];
	size_t n = type_width(f->type);
	const uint8_t *little = column_fixed(c, row, n);
	uint8_t sign = little[n - 1] & 0x80 ? 0xff : 0;

	(void)err;
	while (n > 1 && little[n - 1] == sign && (little[n - 2] & 0x80) == (sign & 0x80))
		n--;
	for (size_t i = 0; i < n; i++)
		bytes[i] = little[n - 1 - i];
	w->ops->bytes(w, bytes, n);
	return true;
}

/* A buffer over memory of the caller, who knows that it is enough. */
static struct buf over(char *memory, size_t size)
{
	return (struct buf){.data = (uint8_t *)memory, .cap = size, .max = size};
}

bool write_decimal_as_string(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	char memory[128];
	struct buf text = over(memory, sizeof memory);

	(void)f;
	(void)err;
	column_print(c, row, &text);
	w->ops->string(w, text.data, text.len);
	return true;
}

bool write_decimal_as_double(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	char memory[128];
	struct buf text = over(memory, sizeof memory);

	(void)f;
	(void)err;
	column_print(c, row, &text);
	w->ops->float64(w, strtod(buf_text(&text), NULL));
	return true;
}

/* "-12345.6789": its digits without the point, and how many of them stand behind it. Zeros at the end of the
 * fraction say nothing: Debezium strips them. */
static void write_variable(const char *text, size_t len, struct connect_writer *w)
{
	struct buf digits, value;
	bool negative = *text == '-';
	size_t scale = 0;

	text += negative;
	len -= negative;
	const char *point = memchr(text, '.', len);
	size_t whole = point ? (size_t)(point - text) : len;
	if (point)
		scale = len - whole - 1;
	while (scale && text[whole + scale] == '0')
		scale--;
	buf_init(&digits, BUF_MAX);
	buf_init(&value, BUF_MAX);
	buf_append(&digits, text, whole);
	if (scale)
		buf_append(&digits, text + whole + 1, scale);
	digits_to_bytes((const char *)digits.data, digits.len, negative, &value);
	w->ops->struct_begin(w);
	w->ops->field(w, "scale", 5);
	w->ops->integer(w, (int64_t)scale);
	w->ops->field(w, "value", 5);
	w->ops->bytes(w, value.data, value.len);
	w->ops->struct_end(w);
	buf_release(&digits);
	buf_release(&value);
}

bool write_variable_decimal(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	size_t len;
	const char *text = (const char *)column_string(c, row, &len);

	(void)f;
	if (!len || text[len - 1] < '0' || text[len - 1] > '9')
		return error_set(err, ERROR_DATA,
			"%.*s has no form when decimals are precise; decimal_handling_mode: string "
			"takes it",
			(int)(len < 40 ? len : 40), text);
	write_variable(text, len, w);
	return true;
}

bool write_numeric_as_double(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	size_t len;
	const uint8_t *bytes = column_string(c, row, &len);
	struct buf text;

	(void)f;
	(void)err;
	buf_init(&text, BUF_MAX);
	buf_append(&text, bytes, len);
	w->ops->float64(w, strtod(buf_text(&text), NULL));
	buf_release(&text);
	return true;
}
