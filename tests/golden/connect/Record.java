// Prints what Kafka's JsonConverter makes of values and schemas; see record.py.
import java.io.IOException;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.json.JsonConverter;

class Record {
	// Java before 19 gives some numbers more digits than they need; there are none of those here.
	static final double[] DOUBLES = {
		0.0, -0.0, 1, -1, 0.1, 0.5, 100, 1234.5, 0.001, 0.00099, 0.0001, 9999999, 1e7, 12345678.9, 1.5e-7, 1e15,
		123456789012345.0, 1e16, 1e21, 1e22, 6.02214076e23, 0.1 + 0.2, 1.0 / 3, 2.0 / 3, 19.99, 4.35, -273.15, Math.PI, Math.E,
		9007199254740991.0, 9007199254740992.0, 9007199254740994.0, 4503599627370496.5, 1.7976931348623157e308,
		2.2250738585072014e-308, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY,
	};
	static final float[] FLOATS = {
		0f, -0f, 1f, 0.1f, 0.3f, 100f, 0.001f, 0.0001f, 9999999f, 1e7f, 16777216f, 3.4028235e38f,
		1f / 3, 2f / 3, 3.1415927f, 19.99f, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY,
	};
	static final long[] LONGS = {
		0, 1, -1, 9, 10, 99, 100, 2147483647, -2147483648, 1737975000123456L, Long.MAX_VALUE, Long.MIN_VALUE,
	};
	static final String[] STRINGS = {
		"", "plain", "sixteen letters!", "seventeen letters", "a quote \" and a backslash \\ and a slash /",
		"line\nfeed, tab\t, return\r, back\b, form\f", "Zo\u00eb M\u00fcller", "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8",
		"smile \ud83d\ude00!", "\ud83d\udc69\u200d\ud83d\udcbb", "\u007f\u0080\u2028\u2029\ufeff\ufffd\uffff", "\ud800\udc00\udbff\udfff",
		"{\"a\": [1, \"two\"]}", "\u0000", "0123456789abcdef\"0123456789abcdef\n0123456789abcdef\u00e9",
	};

	static final HexFormat HEX = HexFormat.of();
	static final JsonConverter CONVERTER = new JsonConverter();

	static String json(Schema schema, Object value) {
		return new String(CONVERTER.fromConnectData("topic", schema, value), StandardCharsets.UTF_8);
	}

	static void values(PrintStream out) {
		for (double v : DOUBLES)
			out.printf("float64\t%016x\t%s\n", Double.doubleToRawLongBits(v), json(Schema.FLOAT64_SCHEMA, v));
		for (float v : FLOATS)
			out.printf("float32\t%08x\t%s\n", Float.floatToRawIntBits(v), json(Schema.FLOAT32_SCHEMA, v));
		for (long v : LONGS)
			out.printf("integer\t%016x\t%s\n", v, json(Schema.INT64_SCHEMA, v));
		StringBuilder controls = new StringBuilder();
		for (char c = 0; c < 0x20; c++)
			controls.append(c);
		for (String v : STRINGS)
			string(out, v);
		string(out, controls.toString());
		for (int n = 0; n < 8; n++) {
			byte[] bytes = Arrays.copyOf(new byte[] {-1, 0, 62, -2, 63, 127, -128}, n);
			out.printf("bytes\t%s\t%s\n", HEX.formatHex(bytes), json(Schema.BYTES_SCHEMA, bytes));
		}
	}

	static void string(PrintStream out, String v) {
		String hex = HEX.formatHex(v.getBytes(StandardCharsets.UTF_8));
		out.printf("string\t%s\t%s\n", hex, json(Schema.STRING_SCHEMA, v));
	}

	static SchemaBuilder row() {
		return SchemaBuilder.struct().name("shop.public.orders.Value")
			.field("id", Schema.INT64_SCHEMA)
			.field("small", SchemaBuilder.int16().defaultValue((short) 7).build())
			.field("tiny", Schema.OPTIONAL_INT8_SCHEMA)
			.field("on", SchemaBuilder.bool().defaultValue(true).build())
			.field("ratio", SchemaBuilder.float64().optional().defaultValue(0.001).build())
			.field("narrow", Schema.OPTIONAL_FLOAT32_SCHEMA)
			.field("note", SchemaBuilder.string().optional().defaultValue("a \"quote\"\n").doc("what the \u00e9diteur said").build())
			.field("raw", SchemaBuilder.bytes().optional().defaultValue(new byte[] {1, 2, 3}).build())
			.field("total", Decimal.builder(2).optional().parameter("connect.decimal.precision", "10")
				.defaultValue(new BigDecimal("12.50")).build())
			.field("day", Date.builder().optional().build())
			.field("at", Timestamp.builder().optional().build())
			.field("at_us", SchemaBuilder.int64().name("io.debezium.time.MicroTimestamp").version(1).optional().build())
			.field("mood", SchemaBuilder.string().name("io.debezium.data.Enum").version(1)
				.parameter("allowed", "sad,ok,happy").build())
			.field("tags", SchemaBuilder.array(Schema.OPTIONAL_STRING_SCHEMA).optional().build())
			.field("grid", SchemaBuilder.array(SchemaBuilder.array(Schema.INT32_SCHEMA).build()).build())
			.field("labels", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.OPTIONAL_STRING_SCHEMA).optional().build())
			.field("\u65e5\u672c", Schema.OPTIONAL_STRING_SCHEMA);
	}

	static Struct value(Schema schema) {
		Map<String, String> labels = new LinkedHashMap<>();
		labels.put("a", "1");
		labels.put("q\"\u00e9", null);
		return new Struct(schema)
			.put("id", 42L).put("small", (short) -3).put("on", false).put("ratio", 2.5).put("narrow", 0.1f)
			.put("note", "x").put("raw", new byte[] {-1, 0, 1, 2}).put("total", new BigDecimal("-1.05"))
			.put("at_us", 1737975000123456L).put("mood", "ok")
			.put("tags", Arrays.asList("a", null, "")).put("grid", Arrays.asList(Arrays.asList(1, 2), Arrays.asList()))
			.put("labels", labels).put("\u65e5\u672c", "\u672c");
	}

	static void schemas(PrintStream out) {
		Schema required = row().build(), optional = row().optional().build();
		out.println(CONVERTER.asJsonSchema(Schema.BOOLEAN_SCHEMA));
		out.println(CONVERTER.asJsonSchema(SchemaBuilder.struct().build()));
		out.println(CONVERTER.asJsonSchema(required));
		out.println(CONVERTER.asJsonSchema(SchemaBuilder.struct().name("shop.public.orders.Envelope").version(1)
			.field("before", optional).field("after", optional).field("op", Schema.STRING_SCHEMA)
			.field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).build()));
	}

	public static void main(String[] args) throws IOException {
		CONVERTER.configure(Map.of("schemas.enable", "false"), false);
		try (PrintStream out = new PrintStream(args[0] + "/values.tsv", StandardCharsets.UTF_8)) {
			values(out);
		}
		try (PrintStream out = new PrintStream(args[0] + "/schemas.json", StandardCharsets.UTF_8)) {
			schemas(out);
		}
		JsonConverter with = new JsonConverter();
		with.configure(Map.of("schemas.enable", "true"), false);
		try (PrintStream out = new PrintStream(args[0] + "/row.json", StandardCharsets.UTF_8)) {
			Schema schema = row().build();
			out.write(with.fromConnectData("topic", schema, value(schema)));
			out.println();
		}
	}
}
